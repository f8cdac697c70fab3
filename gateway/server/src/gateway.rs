//! What every HTTP worker shares, and what each has for itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tessera_actors::{Environment, InventoryRouter, Platform, Postman};
use tessera_inventory::{EventId, Timestamp};
use tessera_money::ledger::Ledger;
use tessera_money::payouts::Payouts;
use tessera_money::terms::TermsOfOrganizers;
use tessera_projections::api_keys::ApiKeys;
use tessera_projections::catalogue::Catalogue;
use tessera_projections::entry::EntryRows;
use tessera_projections::entry_devices::EntryDevices;
use tessera_projections::orders::OrdersBySubject;
use tessera_projections::receipts::Signer;
use tessera_projections::ticket_designs::TicketDesigns;
use tessera_projections::ticket_keys::TicketKeys;
use tessera_projections::waitlist::Waitlists;
use tessera_projections::webhooks::{Deliveries, WebhookEndpoints};
use tessera_store::Table;
use tokio::sync::watch;

use crate::auth::{AdministratorToken, Keys};
use crate::drawing::Drawing;
use crate::hearing::Hearing;
use crate::in_flight::InFlight;
use crate::messages::{People, Reach};
use crate::rate_limit::RateLimits;
use crate::render::documents::Documents;
use crate::render::hall::Halls;
use crate::request_id::RequestIds;
use crate::settings::Settings;
use crate::store_cache::{CardCache, KeyCache};
use crate::streams::Streams;
use crate::telemetry::RequestMetrics;
use crate::traces::Traces;
use crate::venue::Intake;

/// What every HTTP worker of the process shares.
pub(crate) struct Gateway {
    pub(crate) settings: Settings,
    pub(crate) deadline: Duration,
    pub(crate) environment: Environment,
    pub(crate) platform: Platform,
    pub(crate) inventory: InventoryRouter,
    pub(crate) keys: Keys,
    pub(crate) administrator: AdministratorToken,
    /// Signs receipts, and knows its public keys.
    pub(crate) signer: Arc<Signer>,
    /// Sign tickets, and verify them at the door.
    pub(crate) ticket_keys: Arc<TicketKeys>,
    pub(crate) ticket_designs: TicketDesigns,
    pub(crate) entry: EntryRows,
    pub(crate) entry_devices: EntryDevices,
    pub(crate) drawing: Drawing,
    /// Renders webhooks.
    pub(crate) postman: Arc<dyn Postman>,
    /// The exporter of traces, if there is one.
    pub(crate) traces: Option<Arc<Traces>>,
    pub(crate) api_keys: KeyCache,
    pub(crate) catalogue: CardCache,
    pub(crate) terms: TermsOfOrganizers,
    pub(crate) ledger: Ledger,
    pub(crate) payouts: Payouts,
    pub(crate) orders: OrdersBySubject,
    pub(crate) waitlists: Waitlists,
    pub(crate) webhook_endpoints: WebhookEndpoints,
    pub(crate) webhook_deliveries: Deliveries,
    /// How people are reached, and what is said to them.
    pub(crate) people: People,
    pub(crate) halls: Halls,
    /// Room for configurations that come in.
    pub(crate) intake: Intake,
    /// Room for what providers tell.
    pub(crate) hearing: Hearing,
    pub(crate) rate_limits: RateLimits,
    /// Permits for long polls and streams.
    pub(crate) streams: Arc<Streams>,
    /// Permits for large documents on their way.
    pub(crate) downloads: Arc<Streams>,
    /// Permits of papers, from the asking to the last byte.
    pub(crate) papers: Arc<Streams>,
    /// Becomes true when the process begins to shut down: streams end, readiness ends.
    pub(crate) closing: watch::Sender<bool>,
    serving: AtomicBool,
    /// One counter per worker.
    in_flight: Mutex<Vec<InFlight>>,
}

/// What the gateway is made of.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) environment: Environment,
    pub(crate) platform: Platform,
    pub(crate) table: Arc<dyn Table>,
    pub(crate) keys: Keys,
    pub(crate) administrator: AdministratorToken,
    pub(crate) signer: Arc<Signer>,
    pub(crate) ticket_keys: Arc<TicketKeys>,
    pub(crate) postman: Arc<dyn Postman>,
    pub(crate) reach: Reach,
    pub(crate) traces: Option<Arc<Traces>>,
}

impl Gateway {
    pub(crate) fn new(parts: Parts) -> Gateway {
        let Parts { settings, environment, platform, table, keys, administrator, .. } = parts;
        let Parts { signer, ticket_keys, postman, reach, traces, .. } = parts;
        Gateway {
            deadline: settings.deadline(),
            inventory: platform.inventory(),
            api_keys: KeyCache::new(ApiKeys::new(Arc::clone(&table))),
            terms: TermsOfOrganizers::new(Arc::clone(&table)),
            ledger: Ledger::new(Arc::clone(&table)),
            payouts: Payouts::new(Arc::clone(&table)),
            catalogue: CardCache::new(Catalogue::new(Arc::clone(&table))),
            webhook_endpoints: WebhookEndpoints::new(Arc::clone(&table)),
            webhook_deliveries: Deliveries::new(Arc::clone(&table)),
            people: People::new(&table, reach),
            ticket_designs: TicketDesigns::new(Arc::clone(&table)),
            entry: EntryRows::new(Arc::clone(&table)),
            entry_devices: EntryDevices::new(Arc::clone(&table)),
            drawing: Drawing::default(),
            waitlists: Waitlists::new(Arc::clone(&table)),
            orders: OrdersBySubject::new(table),
            halls: Halls::default(),
            intake: Intake::default(),
            hearing: Hearing::default(),
            rate_limits: RateLimits::new(&settings.rate_limit),
            streams: Streams::long_lived(&settings.http),
            downloads: Streams::downloads(&settings.http),
            papers: Streams::papers(&settings.http),
            closing: watch::Sender::new(false),
            serving: AtomicBool::new(true),
            in_flight: Mutex::default(),
            settings,
            environment,
            platform,
            keys,
            administrator,
            signer,
            ticket_keys,
            postman,
            traces,
        }
    }

    /// Wall time.
    pub(crate) fn now(&self) -> Timestamp {
        self.environment.clock.wall()
    }

    /// Begins the shutdown: not ready any more, streams end.
    pub(crate) fn close(&self) {
        self.serving.store(false, Ordering::Relaxed);
        self.closing.send_replace(true);
    }

    /// Whether the shutdown has begun.
    pub(crate) fn is_closing(&self) -> bool {
        !self.serving.load(Ordering::Relaxed)
    }

    /// Requests that all workers are answering.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).iter().map(InFlight::count).sum()
    }

    /// Whether requests should be sent here.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_closing() && self.platform.status().is_ready()
    }
}

/// What one HTTP worker has for itself: no locks, no sharing.
pub(crate) struct Worker {
    pub(crate) gateway: Arc<Gateway>,
    /// The way to the writers, whose replies arrive at this worker's desk.
    pub(crate) inventory: InventoryRouter,
    pub(crate) metrics: RequestMetrics,
    pub(crate) request_ids: RequestIds,
    pub(crate) documents: RefCell<HashMap<EventId, Documents>>,
    pub(crate) in_flight: InFlight,
}

impl Worker {
    /// Called on the worker's own thread.
    pub(crate) fn new(gateway: Arc<Gateway>) -> Worker {
        let in_flight = InFlight::default();
        gateway.in_flight.lock().unwrap_or_else(PoisonError::into_inner).push(in_flight.clone());
        let (inventory, desk) = gateway.inventory.with_desk();
        actix_web::rt::spawn(desk.run());
        Worker {
            in_flight,
            inventory,
            metrics: RequestMetrics::new(),
            request_ids: RequestIds::new(gateway.environment.random.bits()),
            documents: RefCell::default(),
            gateway,
        }
    }
}
