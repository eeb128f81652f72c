//! What a visitor without a mouse does. It reaches what has the focus.

use serde_json::{Value, json};

use super::Browser;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Tab,
    /// With Shift: the way back.
    BackTab,
    Enter,
    Space,
}

impl Browser {
    /// When a key leads to another page, [`Browser::leave_by`] waits for that.
    pub(crate) fn press_key(&self, key: Key) {
        let keys = key.codes();
        let down = keys.iter().map(|key| stroke("keyDown", key));
        let up = keys.iter().rev().map(|key| stroke("keyUp", key));
        self.strike(&down.chain(up).collect::<Vec<_>>());
    }

    pub(crate) fn type_text(&self, text: &str) {
        let keys = text.chars().map(String::from);
        let strokes = keys.flat_map(|key| [stroke("keyDown", &key), stroke("keyUp", &key)]);
        self.strike(&strokes.collect::<Vec<_>>());
    }

    fn strike(&self, strokes: &[Value]) {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("/actions", &json!({ "actions": [keyboard] }));
    }
}

impl Key {
    /// Those to hold together, as the protocol names them.
    fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Tab => &["\u{e004}"],
            Self::BackTab => &["\u{e008}", "\u{e004}"],
            Self::Enter => &["\u{e007}"],
            Self::Space => &[" "],
        }
    }
}

fn stroke(which: &str, key: &str) -> Value {
    json!({ "type": which, "value": key })
}
