//! Pictures and documents are made off the threads that serve, a few at once.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::limits::PAPERS_MADE_MAX;
use crate::problem::{self, Problem};

/// The turns in which they are made.
pub(crate) struct Drawing {
    turns: Arc<Semaphore>,
}

impl Default for Drawing {
    fn default() -> Drawing {
        Drawing { turns: Arc::new(Semaphore::new(PAPERS_MADE_MAX)) }
    }
}

impl Drawing {
    /// What `make` makes when it is its turn. The turn is over when the work is, not when who asked for it has gone: a client that breaks
    /// off and asks again has no more of the machine than others.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|error| problem::internal(error.to_string()))?;
        let made = actix_web::web::block(move || {
            let made = make();
            drop(turn);
            made
        });
        made.await.map_err(|error| problem::internal(error.to_string()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_goes_away_gives_no_turn_to_others_before_the_work_is_over() {
        let drawing = Drawing { turns: Arc::new(Semaphore::new(1)) };
        let (begin, begun) = tokio::sync::oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        tokio::select! {
            _ = drawing.run(move || { begin.send(()).unwrap(); ended.recv() }) => unreachable!(),
            _ = begun => {} // the client goes away
        }
        assert_eq!(drawing.turns.available_permits(), 0);
        end.send(()).unwrap();
        assert_eq!(drawing.run(|| 7).await.unwrap(), 7);
    }
}
