//! The HTTP gateway: routes, authentication, configuration, telemetry.
