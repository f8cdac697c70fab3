//! Repeat every step: each input twice, and all of them once more after everything. The rows are the same.

use crate::stories::stories;
use crate::world::Plan;

#[test]
fn what_is_said_twice_changes_nothing() {
    for story in stories() {
        let once = story.run(Plan::default(), None);
        let mut twice = story.run(Plan { repeats: true, ..Plan::default() }, None);
        story.judge(&twice).unwrap_or_else(|wrong| panic!("{}: {wrong}", story.name));
        let rows = |world: &crate::world::World| format!("{:#?}", world.rows.payments);
        assert_eq!(rows(&twice), rows(&once), "{}", story.name);
        let entries = twice.rows.entries.clone();
        twice.repeat_all();
        assert_eq!(rows(&twice), rows(&once), "{}, all of it again", story.name);
        assert_eq!(twice.rows.entries, entries, "{}", story.name);
    }
}
