//! Crash at every step, then recover: whatever was in memory is dropped at each output, before it is performed and after.

use tessera_payments::Mutant;

use crate::stories::{Story, stories};
use crate::world::Plan;

/// How the first crash ends that does not end as it must.
pub(crate) fn crash_everywhere(story: &Story, mutant: Option<Mutant>) -> Result<usize, String> {
    let outputs = story.run(Plan::default(), mutant).outputs;
    for at in 0..outputs {
        for is_performed in [false, true] {
            let world = story.run(Plan { crash_at: Some((at, is_performed)), ..Plan::default() }, mutant);
            story.judge(&world).map_err(|wrong| {
                let when = if is_performed { "after" } else { "before" };
                format!("{}, crashed {when} output {at}: {wrong}", story.name)
            })?;
        }
    }
    Ok(outputs)
}

#[test]
fn every_story_ends_as_it_must_wherever_a_desk_dies() {
    let mut outputs = 0;
    for story in stories() {
        outputs += crash_everywhere(&story, None).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
    assert!(outputs > 300, "{outputs} outputs are hardly all steps");
}
