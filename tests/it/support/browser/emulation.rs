//! Other visitors' screens.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::Browser;

/// What the visitor wants pages to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colors {
    Light,
    Dark,
}

impl Browser {
    /// For this page and those to come.
    pub(crate) fn emulate_colors(&self, colors: Colors) {
        let scheme = if colors == Colors::Dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.command("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// A phone of that width, in CSS pixels, for this page and those to come.
    pub(crate) fn emulate_width(&self, pixels: u32) {
        let screen =
            json!({ "width": pixels, "height": 640, "deviceScaleFactor": 1, "mobile": true });
        self.command("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// The window as it was before any width was emulated.
    pub(crate) fn emulate_no_width(&self) {
        self.command("Emulation.clearDeviceMetricsOverride", &json!({}));
    }

    /// The whole page, with what one would have to scroll to: a PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let wanted = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.command("Page.captureScreenshot", &wanted);
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }
}
