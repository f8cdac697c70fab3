//! What must be true of what a desk puts out, and of what it hears.

use tessera_payments::{Ask, Input, Operation, Output, Payment};

use super::Money;
use crate::oracle::{Violation, broken};

impl Money {
    /// A process puts this out.
    pub(crate) fn puts_out(&mut self, process: usize, output: &Output) -> Result<(), Violation> {
        let life = self.processes[process].life;
        match output {
            Output::Call { payment, operation, .. } => {
                self.follows_from_row(payment, *operation)?;
                if *operation == Operation::Void {
                    self.calling_off.insert((process, life, payment.id));
                }
            }
            Output::Ask { payment, ask: Ask::Confirm | Ask::SellLate }
                if self.calling_off.contains(&(process, life, payment.id)) =>
            {
                return Err(broken("what is being called off is not sold", payment.id.to_string()));
            }
            _ => {}
        }
        Ok(())
    }

    /// What a call follows from stands in the row: whoever looks after the payment next knows it, too.
    fn follows_from_row(&self, payment: &Payment, operation: Operation) -> Result<(), Violation> {
        let row = self.load(payment.id)?;
        let (known, told) = (row.map(|row| row.facts).unwrap_or_default(), &payment.facts);
        if known.status >= told.status && (known.reference.is_some() || told.reference.is_none()) {
            return Ok(());
        }
        let detail = format!("{operation:?} of {}: {told:?}, the row says {known:?}", payment.id);
        Err(broken("a call follows from what is recorded", detail))
    }

    /// A process hears this.
    pub(crate) fn hears(&mut self, process: usize, input: &Input) {
        if let Input::Answered { payment, operation: Operation::Void, .. } = input {
            let life = self.processes[process].life;
            self.calling_off.remove(&(process, life, *payment));
        }
    }

    /// These rows were written: how a payment stands goes on, and never back.
    pub(crate) fn recorded(&mut self, rows: &[Payment]) -> Result<(), Violation> {
        for row in rows {
            let status = row.facts.status;
            let before = self.known.insert(row.id, status);
            if before.is_some_and(|before| before > status) {
                let detail = format!("{}: {before:?}, then {status:?}", row.id);
                return Err(broken("what is known of a payment only grows", detail));
            }
        }
        Ok(())
    }
}
