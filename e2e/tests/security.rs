//! Who is let in, who is turned away, and that no secret is ever said.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tailsweep_e2e::{
    Process, free_port, http, program, succeed, tailsweep, text, until, without_settings,
};
use tempfile::TempDir;

const SPEC: &str = r#"
version = 1
name = "guarded"
[train]
steps = 10
[[block]]
dataset = { name = "mnist-excerpt", train_limit = 200, test_limit = 100 }
architecture = "fcn"
width = 4
depth = 2
batch_size = 50
learning_rate = 0.1
"#;

/// A coordinator with TLS, certificates of both sides and tokens, all of it logging everything.
struct Guarded {
    folder: TempDir,
    port: u16,
    _coordinator: Process,
}

#[test]
fn nobody_else_changes_a_certificate_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    let mut init = without_settings(Command::new("sh"));
    init.args(["-c", "umask 000 && exec \"$0\" tls init --out \"$1\""]);
    init.arg(program()).arg(folder.path().join("tls"));
    succeed(init);
    let certificate = folder.path().join("tls/user/cert.pem");
    let mode = fs::metadata(certificate).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn an_open_address_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut open = tailsweep(["coordinator", "--listen", "0.0.0.0:0", "--state"]);
    let refused = open.arg(&state).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("--insecure"), "{}", text(&refused));
    assert!(!state.exists(), "a folder was made");
}

impl Guarded {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut init = tailsweep(["tls", "init", "--out"]);
        init.arg(folder.path().join("tls"));
        succeed(init);
        fs::write(folder.path().join("sweep.toml"), SPEC).unwrap();
        let port = free_port();
        let mut coordinator = tailsweep(["--log", "trace", "coordinator"]);
        coordinator
            .args(["--listen", &format!("127.0.0.1:{port}"), "--state"])
            .arg(folder.path().join("state"))
            .arg("--credentials")
            .arg(folder.path().join("tls/coordinator"));
        let coordinator = Process::start(coordinator, &folder.path().join("coordinator.log"));
        Self {
            folder,
            port,
            _coordinator: coordinator,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn token(&self, role: &str) -> String {
        let token = fs::read_to_string(self.path("tls").join(role).join("token"));
        token.unwrap().trim().to_owned()
    }

    /// The program with the credentials in `folder`.
    fn call(&self, credentials: &Path, args: &[&str]) -> Command {
        let mut command = tailsweep(["--log", "trace"]);
        command
            .args(args)
            .env(
                "TAILSWEEP_COORDINATOR",
                format!("https://127.0.0.1:{}", self.port),
            )
            .env("TAILSWEEP_CREDENTIALS", credentials);
        command
    }

    fn role(&self, role: &str, args: &[&str]) -> Command {
        self.call(&self.path("tls").join(role), args)
    }

    fn submit(&self, credentials: &Path) -> Command {
        let mut command = self.call(credentials, &["submit"]);
        command.arg(self.path("sweep.toml"));
        command
    }

    /// What is said when it fails with this exit code.
    fn refused(&self, mut command: Command, code: i32) -> String {
        // Only what the program itself says, and not its trace.
        let output = command.env("TAILSWEEP_LOG", "off").output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
        said
    }
}

/// A copy of a folder, with one file replaced.
fn with_other(folder: &Path, name: &str, content: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    fs::write(copy.path().join(name), content).unwrap();
    copy
}

#[test]
fn each_role_does_its_part_and_no_secret_is_said() {
    let guarded = Guarded::start();
    let mut worker = guarded.role("worker", &["worker", "--slots", "1"]);
    worker.env("TAILSWEEP_LOG", "trace");
    let _worker = Process::start(worker, &guarded.path("worker.log"));
    let mut submit = guarded.role("user", &["submit", "--watch"]);
    let output = submit.arg(guarded.path("sweep.toml")).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let mut said = text(&output);
    let mut status = guarded.role("read-only", &["status", "--json"]);
    let output = status.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    said += &text(&output);
    let mut config = guarded.role("user", &["config"]);
    let output = config
        .env("TAILSWEEP_TOKEN", guarded.token("user"))
        .output();
    let output = output.unwrap();
    assert!(text(&output).contains("not shown"), "{}", text(&output));
    said += &text(&output);

    for log in ["coordinator.log", "worker.log"] {
        said += &fs::read_to_string(guarded.path(log)).unwrap();
    }
    assert!(said.contains("TRACE"), "the test sees no traces");
    for role in ["worker", "user", "read-only"] {
        let token = guarded.token(role);
        assert!(!said.contains(&token), "the token of `{role}` was said");
        let secret = token.rsplit('-').next().unwrap();
        assert!(!said.contains(secret), "the secret of `{role}` was said");
        let key = fs::read_to_string(guarded.path("tls").join(role).join("key.pem")).unwrap();
        let line = key.lines().nth(1).unwrap();
        assert!(!said.contains(line), "the key of `{role}` was said");
    }
}

#[test]
fn whoever_lacks_a_credential_is_turned_away() {
    let guarded = Guarded::start();
    until("the coordinator", || {
        let mut sweeps = guarded.role("user", &["sweeps"]);
        sweeps.output().unwrap().status.success().then_some(())
    });
    let user = guarded.path("tls/user");

    let said = guarded.refused(guarded.submit(&guarded.path("tls/read-only")), 1);
    assert!(said.contains("role"), "{said}");
    let said = guarded.refused(guarded.submit(&guarded.path("tls/worker")), 1);
    assert!(said.contains("role"), "{said}");
    let said = guarded.refused(guarded.role("user", &["worker"]), 1);
    assert!(said.contains("role"), "{said}");

    let no_token = with_other(&user, "token", "");
    fs::remove_file(no_token.path().join("token")).unwrap();
    let said = guarded.refused(guarded.submit(no_token.path()), 1);
    assert!(said.contains("token"), "{said}");
    let other_token = with_other(&user, "token", "tailsweep-user-0123456789");
    let said = guarded.refused(guarded.submit(other_token.path()), 1);
    assert!(said.contains("does not know this token"), "{said}");

    let no_certificate = with_other(&user, "cert.pem", "");
    fs::remove_file(no_certificate.path().join("cert.pem")).unwrap();
    let said = guarded.refused(guarded.submit(no_certificate.path()), 3);
    assert!(said.to_lowercase().contains("certificate"), "{said}");

    // Another authority, on both sides.
    let mut init = tailsweep(["tls", "init", "--out"]);
    init.arg(guarded.path("other"));
    succeed(init);
    let said = guarded.refused(guarded.submit(&guarded.path("other/user")), 3);
    assert!(said.to_lowercase().contains("certificate"), "{said}");

    // In the open, to a port that speaks TLS.
    let mut open = guarded.submit(Path::new(""));
    open.env(
        "TAILSWEEP_COORDINATOR",
        format!("http://127.0.0.1:{}", guarded.port),
    );
    let said = guarded.refused(open, 3);
    assert!(said.contains("https://"), "{said}");
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let tls = folder.path().join("tls");
    let mut init = tailsweep(["tls", "init", "--out"]);
    init.arg(&tls);
    succeed(init);
    for part in ["coordinator/key.pem", "coordinator/tokens"] {
        let exposed = tls.join(part);
        fs::set_permissions(&exposed, fs::Permissions::from_mode(0o644)).unwrap();
        let mut coordinator = tailsweep(["coordinator", "--listen", "127.0.0.1:0"]);
        coordinator
            .arg("--state")
            .arg(folder.path().join("state"))
            .arg("--credentials")
            .arg(tls.join("coordinator"));
        let output = coordinator.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        let said = text(&output);
        assert!(said.contains("chmod 600") && said.contains(part), "{said}");
        fs::set_permissions(&exposed, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn the_page_asks_for_a_token_and_answers_only_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let tls = folder.path().join("tls");
    let mut init = tailsweep(["tls", "init", "--out"]);
    init.arg(&tls);
    succeed(init);
    // Tokens alone, without TLS: on loopback that is allowed.
    let tokens = folder.path().join("tokens-alone");
    fs::create_dir(&tokens).unwrap();
    fs::copy(tls.join("coordinator/tokens"), tokens.join("tokens")).unwrap();
    let port = free_port();
    let mut coordinator = tailsweep(["coordinator", "--host", "sweeps.example"]);
    coordinator
        .args(["--listen", &format!("127.0.0.1:{port}"), "--state"])
        .arg(folder.path().join("state"))
        .arg("--credentials")
        .arg(&tokens);
    let _coordinator = Process::start(coordinator, &folder.path().join("log"));
    until("the coordinator", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });

    let token = fs::read_to_string(tls.join("read-only/token")).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let host = format!("127.0.0.1:{port}");
    let known = [("Host", &*host), ("Authorization", &*bearer)];
    let get = |path: &str, headers: &[(&str, &str)]| http(port, "GET", path, headers);

    let page = get("/", &known);
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("<h1>tailsweep</h1>"),
        "{page}"
    );
    assert!(page.contains("default-src 'none'"), "{page}");
    let metrics = get("/metrics", &known);
    assert!(metrics.contains("\ntailsweep_queue_depth 0\n"), "{metrics}");
    let named = [("Host", "sweeps.example"), ("Authorization", &*bearer)];
    assert!(get("/", &named).starts_with("HTTP/1.1 200"));
    assert!(get("/healthz", &[("Host", &*host)]).starts_with("HTTP/1.1 200"));

    let refused = |status: &str, path: &str, headers: &[(&str, &str)]| {
        let answer = get(path, headers);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{headers:?}: {answer}"
        );
    };
    refused("401", "/", &[("Host", &*host)]);
    refused("401", "/metrics", &[("Host", &*host)]);
    refused(
        "401",
        "/",
        &[("Host", &*host), ("Authorization", "Bearer no")],
    );
    refused(
        "403",
        "/",
        &[("Host", "evil.example"), ("Authorization", &*bearer)],
    );
    let strange = [known[0], known[1], ("Origin", "https://evil.example")];
    refused("403", "/", &strange);
    refused("404", "/sweeps/none/report.html", &known);
    let post = http(port, "POST", "/", &known);
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");
    let call = http(port, "POST", "/tailsweep.v1.SweepService/Submit", &known);
    assert!(call.starts_with("HTTP/1.1 403"), "{call}");
}
