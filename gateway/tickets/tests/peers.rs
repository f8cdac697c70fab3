//! What we make is read back by programs of others. `tests/peers/run` installs them and says so by `TEST_PEERS`; without it these
//! tests say `SKIPPED`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests
#![allow(clippy::print_stderr)] // they say that they were skipped

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tessera_paper::{Appointment, Logo, Place, Qr, Sheet, Ticket, calendar, pdf};
use tessera_tickets::{EventMark, Printed, SigningKey};

const EVENT: u128 = 0x0198_0000_0000_7000_8000_0000_0000_0001;
/// What a page says, in scripts of their own: Latin, Arabic, Hebrew, Hindi, Thai, Chinese, Korean.
const NAMES: [&str; 7] =
    ["Reihe für Größen", "منطقة الوقوف", "שורה ראשונה", "अगली पंक्ति", "ที่นั่งด้านหน้า", "前排座位", "앞줄 좌석"];

/// The Python environment of the peers.
fn peers() -> Option<PathBuf> {
    #[allow(clippy::disallowed_methods)] // it is `tests/peers/run` that configures
    let found = std::env::var("TEST_PEERS").ok().map(PathBuf::from);
    if found.is_none() {
        eprintln!("SKIPPED: tests/peers/run runs this");
    }
    found
}

/// What a program prints for this input.
fn said(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn python(peers: &Path, script: &str, input: &[u8]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers").join(script);
    let said = said(Command::new(peers.join("bin/python")).arg(script), input);
    serde_json::from_slice(&said).unwrap()
}

/// What a scanner reads in a picture.
fn scanned(picture: &Path) -> String {
    let said = said(
        Command::new("zbarimg").args(["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"]).arg(picture),
        b"",
    );
    String::from_utf8(said).unwrap().trim_end_matches('\n').to_owned()
}

fn texts() -> Vec<String> {
    let key = SigningKey::of_seed(&[1; 32]);
    let text = |index: u8| {
        let printed = Printed {
            event: EventMark::of(EVENT),
            order: 4_711,
            index,
            generation: index % 3,
            ticket_type: 2,
            valid_until_h: 500_000,
        };
        printed.sign(&key).unwrap().text()
    };
    (0..7).map(text).collect()
}

#[test]
fn a_pdf_opens_scans_and_says_the_names_in_their_order() {
    if peers().is_none() {
        return;
    }
    let (folder, texts) = (tempfile::tempdir().unwrap(), texts());
    let logo = Logo::open(&Qr::of("LOGO").unwrap().png().unwrap()).unwrap();
    let tickets: Vec<_> = (1..)
        .zip(texts.iter().zip(NAMES))
        .map(|(number, (text, name))| Ticket {
            qr: text,
            id: "tkt_3c9pkv0e5gg008000000000096",
            ticket_type: name,
            place: Some(Place { section: "Süd", row: "12", seat: "7" }),
            price: "EUR 90.00",
            number,
            of: texts.len(),
        })
        .collect();
    let sheet = Sheet {
        event: "Nacht der Städte",
        starts_at: "2027-03-01T20:00:00Z".parse().unwrap(),
        ends_at: None,
        zone: "Europe/Berlin",
        place: Some("Halle am Fluss"),
        logo: Some(&logo),
        note: "",
    };
    let file = folder.path().join("tickets.pdf");
    std::fs::write(&file, pdf(&sheet, &tickets).unwrap()).unwrap();
    said(Command::new("qpdf").arg("--check").arg(&file), b"");
    said(
        Command::new("pdftoppm").args(["-png", "-r", "150"]).arg(&file).arg(folder.path().join("page")),
        b"",
    );
    for (page, (text, name)) in (1..).zip(texts.iter().zip(NAMES)) {
        let picture = folder.path().join(format!("page-{page}.png"));
        // A logo that is a QR would be read, too: ours comes last, as it stands below.
        let read = scanned(&picture);
        assert!(read.lines().any(|line| line == text), "page {page} says {read}");
        let (first, last) = (page.to_string(), page.to_string());
        let words =
            said(Command::new("pdftotext").args(["-f", &first, "-l", &last]).arg(&file).arg("-"), b"");
        // Marks of direction stand around what is written from right to left.
        let words: String = String::from_utf8(words)
            .unwrap()
            .chars()
            .filter(|one| !"\u{202a}\u{202b}\u{202c}".contains(*one))
            .collect();
        for expected in [
            name,
            "Nacht der Städte",
            "Monday, 1 March 2027, 21:00 (Europe/Berlin)",
            "Süd · 12 · 7",
            "EUR 90.00",
        ] {
            assert!(words.contains(expected), "page {page} lacks {expected}:\n{words}");
        }
    }
}

#[test]
fn a_picture_of_a_qr_is_read_and_verified_by_nothing_of_ours() {
    let Some(peers) = peers() else { return };
    let (folder, texts) = (tempfile::tempdir().unwrap(), texts());
    let mut read = Vec::new();
    for text in &texts {
        let picture = folder.path().join("ticket.png");
        std::fs::write(&picture, Qr::of(text).unwrap().png().unwrap()).unwrap();
        read.push(scanned(&picture));
    }
    assert_eq!(read, texts);
    let mut forged = texts[0].clone();
    forged.replace_range(60..61, if &forged[60..61] == "A" { "B" } else { "A" });
    read.push(forged);
    let key = said(Command::new("base64").arg("-w0"), &SigningKey::of_seed(&[1; 32]).public());
    let asked =
        json!({"event": format!("{EVENT:032x}"), "keys": [String::from_utf8(key).unwrap()], "texts": read});
    let says = python(&peers, "tickets.py", asked.to_string().as_bytes());
    let expected = |index: u8| json!({"order": 4_711, "index": index, "generation": index % 3, "ticket_type": 2, "valid_until_h": 500_000});
    let mut all: Vec<_> = (0..7).map(expected).collect();
    all.push(Value::Null);
    assert_eq!(says, Value::Array(all));
}

#[test]
fn a_calendar_reads_what_the_file_says() {
    let Some(peers) = peers() else { return };
    let long = "Ein sehr langer Name, der über eine Zeile von fünfundsiebzig Bytes hinausgeht; ליל מועדון";
    let text = calendar(&Appointment {
        uid: "ord_1@tessera",
        name: long,
        starts_at: "2027-03-01T20:00:00Z".parse().unwrap(),
        ends_at: Some("2027-03-02T03:00:00Z".parse().unwrap()),
        place: Some("Halle am Fluss, Berlin"),
        description: "ord_1\nStanding",
        changed_at: "2027-01-01T10:00:00Z".parse().unwrap(),
        version: 2,
    });
    let read = python(&peers, "appointment.py", text.as_bytes());
    let expected = json!({"starts": "2027-03-01T20:00:00+0000", "ends": "2027-03-02T03:00:00+0000", "uid": "ord_1@tessera",
        "summary": long, "location": "Halle am Fluss, Berlin", "description": "ord_1\nStanding"});
    assert_eq!(read, expected);
}
