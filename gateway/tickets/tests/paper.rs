//! QR, PDF and calendar file of a ticket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use tessera_paper::{
    Appointment, LOGO_BYTES_MAX, Logo, NotALogo, PaperError, Place, Qr, Sheet, Ticket, calendar, pdf,
};

const TEXT: &str = "T1:%60.ZEUCJDCMJW83WESZEKB0*M0DY0W01700TGKXI1O.IMQK OKB27NP7E+53QGGZ26B6UZG/G60PUEYDO L N6RKNL/6B5EXF6$/V2+25/O.1Q%TBLRJP17.D0:.C 22G3T8MA";

fn sheet(logo: Option<&Logo>) -> Sheet<'_> {
    Sheet {
        event: "Club night",
        starts_at: "2027-03-01T20:00:00Z".parse().unwrap(),
        ends_at: None,
        zone: "Europe/Berlin",
        place: Some("Halle am Fluss"),
        logo,
        note: "",
    }
}

fn ticket(number: usize) -> Ticket<'static> {
    Ticket {
        qr: TEXT,
        id: "tkt_3c9pkv0e5gg008000000000096",
        ticket_type: "Lower tier",
        place: Some(Place { section: "A", row: "1", seat: "4" }),
        price: "EUR 90.00",
        number,
        of: 3,
    }
}

fn contains(bytes: &[u8], text: &str) -> usize {
    String::from_utf8_lossy(bytes).matches(text).count()
}

/// The dark modules of a PNG: of its own side, without the quiet zone.
fn modules(picture: &[u8]) -> Vec<Vec<bool>> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height), (392, 392), "41 modules and twice 4, 8 pixels each");
    let dark = |x: usize, y: usize| pixels[y * frame.line_size + x / 8] & (0x80 >> (x % 8)) == 0;
    let module = |x: usize, y: usize| {
        let first = dark(x * 8, y * 8);
        assert!((0..64).all(|at| dark(x * 8 + at % 8, y * 8 + at / 8) == first), "a module has one colour");
        first
    };
    (0..49).map(|y| (0..49).map(|x| module(x, y)).collect()).collect()
}

#[test]
fn the_png_and_the_svg_show_the_same_with_a_quiet_zone() {
    let qr = Qr::of(TEXT).unwrap();
    let modules = modules(&qr.png().unwrap());
    let light = |x: usize, y: usize| !modules[y][x];
    assert!((0..49).all(|at| {
        (0..4).all(|edge| light(at, edge) && light(at, 48 - edge) && light(edge, at) && light(48 - edge, at))
    }));
    let svg = qr.svg();
    let (_, dark) = svg.split_once("<path d=\"").unwrap();
    let mut shown = vec![vec![false; 49]; 49];
    for run in dark.trim_end_matches("\"/></svg>").split('M').skip(1) {
        let (x, rest) = run.split_once(' ').unwrap();
        let (y, rest) = rest.split_once('h').unwrap();
        let (length, _) = rest.split_once('v').unwrap();
        let [x, y, length] = [x, y, length].map(|number| number.parse::<usize>().unwrap());
        shown[y][x..x + length].fill(true);
    }
    assert_eq!(shown, modules);
    assert!(matches!(Qr::of(&"A".repeat(5_000)), Err(PaperError::Qr)));
}

#[test]
fn the_same_tickets_give_the_same_bytes_on_every_thread() {
    let made = || pdf(&sheet(None), &[ticket(1), ticket(2), ticket(3)]).unwrap();
    let here = made();
    let there = std::thread::scope(|scope| scope.spawn(made).join().unwrap());
    assert!(here == there && here == made());
    assert_eq!(contains(&here, "/Type/Page/"), 3, "a page each");
}

#[test]
fn a_logo_is_shown_once_however_many_tickets_there_are() {
    let picture = Qr::of("LOGO").unwrap().png().unwrap();
    Logo::examine(&picture).unwrap();
    let logo = Logo::open(&picture).unwrap();
    let plain = pdf(&sheet(None), &[ticket(1)]).unwrap();
    let with_logo = pdf(&sheet(Some(&logo)), &[ticket(1), ticket(2)]).unwrap();
    assert_eq!((contains(&plain, "/Subtype/Image"), contains(&with_logo, "/Subtype/Image")), (0, 1));
}

/// A PNG of so many pixels, all of one colour.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0x7f; (width * height * 4) as usize]).unwrap();
    writer.finish().unwrap();
    picture
}

#[test]
fn what_is_no_logo_is_told_before_a_ticket_needs_it() {
    let good = png_of(300, 100);
    Logo::examine(&good).unwrap();
    Logo::examine(&png_of(512, 512)).unwrap();
    let huge = png_of(1_000, 1_000);
    assert!(huge.len() < LOGO_BYTES_MAX, "few bytes");
    assert_eq!(Logo::examine(&huge), Err(NotALogo::TooManyPixels));
    assert_eq!(Logo::examine(&vec![0; LOGO_BYTES_MAX + 1]), Err(NotALogo::TooManyBytes));
    let cut = &good[..good.len() / 2];
    for wrong in [&b""[..], b"GIF89a", b"<svg/>", cut, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"] {
        assert_eq!(Logo::examine(wrong), Err(NotALogo::Unreadable));
    }
}

/// The chunks of a PNG: kind, and all of its bytes.
fn chunks(picture: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut rest = &picture[8..];
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let data = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        let (chunk, next) = rest.split_at(data + 12);
        chunks.push((&chunk[4..8], chunk));
        rest = next;
    }
    chunks
}

#[test]
fn what_unpacks_to_a_thousand_times_its_bytes_reaches_no_ticket() {
    // A colour profile of zeros, which a PDF would carry along.
    let mut profile = vec![0; 16 << 20];
    profile[8] = 2;
    profile[16..20].copy_from_slice(b"RGB ");
    let mut info = png::Info::with_size(2, 2);
    (info.color_type, info.bit_depth) = (png::ColorType::Rgb, png::BitDepth::Eight);
    info.icc_profile = Some(profile.into());
    let mut picture = Vec::new();
    let mut writer = png::Encoder::with_info(&mut picture, info).unwrap().write_header().unwrap();
    writer.write_image_data(&[0x7f; 12]).unwrap();
    writer.finish().unwrap();
    assert!(picture.len() < LOGO_BYTES_MAX && contains(&picture, "iCCP") == 1);
    Logo::examine(&picture).unwrap();
    let made = pdf(&sheet(Some(&Logo::open(&picture).unwrap())), &[ticket(1)]).unwrap();
    assert_eq!((contains(&made, "/Subtype/Image"), contains(&made, "ICCBased")), (1, 0));
    // A head that says four pixels, and the data of a million.
    let (small, large) = (png_of(2, 2), png_of(1_000, 1_000));
    let (small, large) = (chunks(&small), chunks(&large));
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend(small.iter().filter(|(kind, _)| *kind == b"IHDR").flat_map(|(_, bytes)| *bytes));
    picture.extend(large.iter().filter(|(kind, _)| *kind != b"IHDR").flat_map(|(_, bytes)| *bytes));
    if let Ok(logo) = Logo::open(&picture) {
        let made = pdf(&sheet(Some(&logo)), &[ticket(1)]);
        assert!(made.is_ok_and(|made| made.len() < 2 * LOGO_BYTES_MAX));
    }
}

/// What somebody may send as a name, drawn from all of Unicode.
#[test]
fn no_text_keeps_a_ticket_from_being_drawn() {
    let mut state = 7_u32;
    let mut letter = || {
        // Numbers of a linear congruential generator: any will do.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_u32((state >> 8) % if state & 4 == 0 { 0x11_0000 } else { 0x3000 }).unwrap_or('\u{202e}')
    };
    let mut texts: Vec<String> = (0..60).map(|length| (0..length).map(|_| letter()).collect()).collect();
    texts.push("e\u{301}\u{327}\u{488}".repeat(100));
    texts.push("\u{202e}\u{2066}\u{200f}\0\r\n\t\u{2028}\u{feff}".repeat(20));
    texts.push("👩‍👩‍👧‍👦🏳️‍🌈🇫🇷".repeat(30));
    texts.push("W".repeat(10_000));
    texts.push("Wort ".repeat(2_000));
    for text in &texts {
        let sheet = Sheet { event: text, place: Some(text), note: text, ..sheet(None) };
        let ticket = Ticket { ticket_type: text, ..ticket(1) };
        let made = pdf(&sheet, &[ticket]).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(contains(&made, "/Type/Page/"), 1);
    }
}

#[test]
fn a_calendar_file_is_as_the_standard_wants_it() {
    let appointment = Appointment {
        uid: "ord_1@tessera",
        name: "Club night; with, signs",
        starts_at: "2027-03-01T20:00:00Z".parse().unwrap(),
        ends_at: Some("2027-03-02T03:00:00Z".parse().unwrap()),
        place: Some("Halle am Fluss, Berlin"),
        description: "one\ntwo",
        changed_at: "2027-01-01T10:00:00Z".parse().unwrap(),
        version: 2,
    };
    let text = calendar(&appointment);
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "UID:ord_1@tessera",
        "DTSTAMP:20270101T100000Z",
        "DTSTART:20270301T200000Z",
        "DTEND:20270302T030000Z",
        "SUMMARY:Club night\\; with\\, signs",
        "LOCATION:Halle am Fluss\\, Berlin",
        "DESCRIPTION:one\\ntwo",
        "SEQUENCE:2",
        "END:VCALENDAR",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
    }
    let open = Appointment { ends_at: None, place: None, ..appointment };
    assert!(!calendar(&open).contains("DTEND") && !calendar(&open).contains("LOCATION"));
    assert_eq!(calendar(&open), calendar(&open));
}
