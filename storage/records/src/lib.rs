//! Protobuf records of events and snapshots, with golden bytes per format version.
