//! What a scan costs at the door, and a ticket on paper: on one core, each by itself.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)] // a benchmark

use std::hint::black_box;
use std::time::Instant;

use tessera_benchmarks::{Latencies, number_argument, row, title};
use tessera_paper::{Logo, Place, Qr, Sheet, Ticket, pdf};
use tessera_tickets::{EventMark, Printed, SigningKey, TicketKey, verify};

const EVENT: u128 = 0x0198_0000_0000_7000_8000_0000_0000_0001;
const VERIFICATIONS: u64 = 10_000;
const DOCUMENTS: u64 = 1_000;
/// As many tickets as an order may have.
const ORDER_TICKETS_MAX: usize = 50;

fn main() {
    let key = SigningKey::of_seed(&[1; 32]);
    let documents = number_argument("--documents").unwrap_or(DOCUMENTS);
    door(&key);
    paper(&key, documents);
}

fn text(key: &SigningKey, order: u64) -> String {
    let printed = Printed {
        event: EventMark::of(EVENT),
        order,
        index: 0,
        generation: 0,
        ticket_type: 1,
        valid_until_h: 500_000,
    };
    printed.sign(key).unwrap().text()
}

/// Times of so many runs.
fn timed(runs: u64, mut run: impl FnMut(u64)) -> Latencies {
    let mut latencies = Latencies::new();
    for number in 0..runs {
        let began = Instant::now();
        run(number);
        latencies.record(began.elapsed());
    }
    latencies
}

fn door(key: &SigningKey) {
    title("at the door");
    let texts: Vec<String> = (0..VERIFICATIONS).map(|order| text(key, order)).collect();
    let keys = [TicketKey::new(&SigningKey::of_seed(&[2; 32]).public(), 0), TicketKey::new(&key.public(), 0)];
    let keys = keys.map(Option::unwrap);
    let signed = timed(VERIFICATIONS, |order| drop(black_box(text(key, order))));
    row("sign a ticket, and write the text of its QR", signed.summary());
    let verified = timed(VERIFICATIONS, |number| {
        let text = &texts[usize::try_from(number).unwrap()];
        assert!(black_box(verify(text, EVENT, &keys, 0)).is_ok());
    });
    row("verify the text of a QR, offline", verified.summary());
    let drawn = timed(DOCUMENTS, |_| drop(black_box(Qr::of(&texts[0]).unwrap().png().unwrap())));
    row("draw a QR as a PNG", drawn.summary());
}

/// A PDF of so many tickets, drawn again and again.
fn draw(name: &str, sheet: &Sheet<'_>, ticket: &Ticket<'_>, tickets: usize, documents: u64) {
    let printed: Vec<_> = (1..=tickets).map(|number| Ticket { number, of: tickets, ..*ticket }).collect();
    let made = || pdf(sheet, &printed).unwrap();
    // The first of a process reads the fonts.
    let first = timed(1, |_| drop(black_box(made())));
    let others = timed(documents, |_| drop(black_box(made())));
    row(&format!("{name}: {tickets}, {} bytes", made().len()), others.summary());
    row("  the first one", first.summary());
}

fn paper(key: &SigningKey, documents: u64) {
    title("on paper: a PDF of tickets with logo, seat and QR");
    let logo = Logo::open(&Qr::of("LOGO").unwrap().png().unwrap()).unwrap();
    let text = text(key, 4_711);
    let sheet = Sheet {
        event: "Nacht der Städte",
        starts_at: "2027-03-01T20:00:00Z".parse().unwrap(),
        ends_at: None,
        zone: "Europe/Berlin",
        place: Some("Halle am Fluss, Uferstraße 1, Berlin"),
        logo: Some(&logo),
        note: "Doors open one hour before.",
    };
    let ticket = Ticket {
        qr: &text,
        id: "tkt_3c9pkv0e5gg008000000000096",
        ticket_type: "Reihe für Größen",
        place: Some(Place { section: "A", row: "12", seat: "7" }),
        price: "EUR 90.00",
        number: 1,
        of: 1,
    };
    for (script, event, ticket_type) in [
        ("Latin", sheet.event, ticket.ticket_type),
        ("Arabic", "ليلة المدينة", "منطقة الوقوف"),
        ("Chinese", "城市之夜", "前排座位"),
    ] {
        let (sheet, ticket) = (Sheet { event, ..sheet }, Ticket { ticket_type, ..ticket });
        draw(script, &sheet, &ticket, 1, documents);
        draw(script, &sheet, &ticket, ORDER_TICKETS_MAX, (documents / 10).max(1));
    }
    title("on paper, at worst");
    let name = "Wort ".repeat(2_000);
    draw("a name of 10,000 letters", &Sheet { event: &name, ..sheet }, &ticket, 1, (documents / 10).max(1));
    let (name, note) = ("漢".repeat(66), "漢".repeat(166));
    let longest = Sheet { event: &name, place: Some(&name), note: &note, ..sheet };
    let ticket = Ticket { ticket_type: &note[..120], ..ticket };
    draw("the longest texts that may be sent", &longest, &ticket, ORDER_TICKETS_MAX, (documents / 10).max(1));
    let large = Logo::open(&picture()).unwrap();
    draw("a logo of 512 × 512", &Sheet { logo: Some(&large), ..sheet }, &ticket, 1, (documents / 10).max(1));
}

/// The largest picture that is a logo, of two bytes a channel.
fn picture() -> Vec<u8> {
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, 512, 512);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Sixteen);
    let mut writer = encoder.write_header().unwrap();
    let pixels: Vec<u8> = (0..512_usize * 512 * 8).map(|at| [0, 7, 0x7f, 0xff][at / 64 % 4]).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    picture
}
