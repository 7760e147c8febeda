//! Pictures as dots.

use anyhow::Context;
use resvg::{tiny_skia, usvg};

/// Two dots for each unit, so that small words can be read on a screen with many of them.
const SCALE: f32 = 2.0;
/// A picture of more dots than that on a side is scaled down: no viewer shows it.
const MOST_DOTS: f32 = 12_000.0;

/// An SVG as PNG. Words are set in a font that is part of the program: a container has none.
pub(super) fn png(svg: &str) -> anyhow::Result<Vec<u8>> {
    let mut options = usvg::Options { font_family: "DejaVu Sans".to_owned(), ..usvg::Options::default() };
    let fonts = options.fontdb_mut();
    for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family("DejaVu Sans");
    let tree = usvg::Tree::from_str(svg, &options).context("the picture is no SVG")?;
    let scale = SCALE.min(MOST_DOTS / tree.size().width().max(tree.size().height()));
    let size = tree.size().to_int_size().scale_by(scale).context("the picture has no size")?;
    let mut dots = tiny_skia::Pixmap::new(size.width(), size.height()).context("the picture is too large")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut dots.as_mut());
    dots.encode_png().context("the picture cannot be written as PNG")
}
