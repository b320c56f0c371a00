//! The three roles, and what each may call.

use std::fmt;
use std::str::FromStr;

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Join and compute; read nothing else.
    Worker,
    /// Hand in, control and read sweeps.
    User,
    /// Look at everything, change nothing.
    ReadOnly,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Worker, Self::User, Self::ReadOnly];

    /// As written in a file of tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::User => "user",
            Self::ReadOnly => "read-only",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == word);
        role.ok_or(())
    }
}

/// What a path asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: it tells nothing.
    Nobody,
    /// To be a worker.
    Work,
    /// To read.
    Read,
    /// To change something.
    Change,
}

/// Methods whose names begin so only read.
const READING: [&str; 4] = ["Get", "List", "Watch", "Explain"];

impl Need {
    /// What a request to `path` asks. What is not known asks for most.
    pub(super) fn of(path: &str) -> Self {
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let (service, method) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        match service {
            "grpc.health.v1.Health" | "healthz" => Self::Nobody,
            "tailsweep.v1.WorkerService" => Self::Work,
            "" | "metrics" | "sweeps" => Self::Read,
            _ if service.starts_with("grpc.reflection.") => Self::Read,
            _ if service.starts_with("tailsweep.v1.")
                && READING.iter().any(|word| method.starts_with(word)) =>
            {
                Self::Read
            }
            _ => Self::Change,
        }
    }

    /// Whether a role has it.
    pub(super) fn is_met_by(self, role: Role) -> bool {
        match self {
            Self::Nobody => true,
            Self::Work => role == Role::Worker,
            Self::Read => matches!(role, Role::User | Role::ReadOnly),
            Self::Change => role == Role::User,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_own() {
        let may = |role, path| Need::of(path).is_met_by(role);
        let table = [
            ("/tailsweep.v1.WorkerService/Session", [true, false, false]),
            ("/tailsweep.v1.SweepService/Submit", [false, true, false]),
            ("/tailsweep.v1.SweepService/GetReport", [false, true, true]),
            ("/tailsweep.v1.SweepService/ListSweeps", [false, true, true]),
            ("/tailsweep.v1.SweepService/New", [false, true, false]),
            ("/grpc.health.v1.Health/Check", [true, true, true]),
            ("/", [false, true, true]),
            ("/metrics", [false, true, true]),
            ("/anything/else", [false, true, false]),
        ];
        for (path, expected) in table {
            assert_eq!(Role::ALL.map(|role| may(role, path)), expected, "{path}");
        }
    }
}
