#include "operator/metadata/sqlite_file.h"

#include <soci.h>
#include <sqlite3/soci-sqlite3.h>

#include <optional>
#include <system_error>
#include <utility>

#include "operator/base/is_there.h"
#include "operator/base/try.h"
#include "operator/metadata/schema.h"

namespace penstock::metadata {
namespace {

// What SQLite said last of this session. SOCI gives the code with some of its exceptions only; the
// connection has it always. (It hides the type information that a dynamic_cast needs; a session
// here is always SQLite's.)
int LastCode(soci::session& session) {
  const auto* backend = static_cast<soci::sqlite3_session_backend*>(session.get_backend());
  return sqlite_api::sqlite3_errcode(backend->conn_) & 0xff;
}

// Throws when it fails; `session` then tells why, where there is one.
void Connect(const std::filesystem::path& path, Session& session) {
  // SOCI loses a connection whose first statement fails, as it would with the option synchronous=1
  // on a damaged file; a session that stands closes it.
  session.reset(new soci::session(soci::sqlite3, "dbname=\"" + path.string() + "\" timeout=5"));
  *session << "PRAGMA synchronous = NORMAL";
  *session << "PRAGMA foreign_keys = ON";
}

// What keeps a file from being used.
struct FileTrouble {
  Error error;
  bool damaged = false;  // no database, or not whole: the one reason to set it aside
};

// A full volume and a failing disk keep SQLite from opening a good file, as it makes another beside
// it; only its word for damage is one.
FileTrouble TroubleOf(const Session& session, const soci::soci_error& thrown) {
  const int code = session == nullptr ? SQLITE_CANTOPEN : LastCode(*session);
  FileTrouble out{Transient(thrown.get_error_message()), false};
  out.damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  if (code == SQLITE_FULL) out.error.kind = ErrorKind::kNoSpace;
  return out;
}

std::optional<FileTrouble> ConnectAndCheck(const std::filesystem::path& path, Session& session) {
  try {
    Connect(path, session);
    std::string verdict;
    *session << "PRAGMA quick_check(1)", soci::into(verdict);
    if (verdict != "ok") return FileTrouble{Transient(verdict), true};
    const int version = ReadSchemaVersion(*session);
    if (version > SchemaVersion()) {
      Error newer = Invalid("its schema version " + std::to_string(version) +
                            " is newer than this program's " + std::to_string(SchemaVersion()));
      newer.kind = ErrorKind::kUnsupported;
      return FileTrouble{std::move(newer), false};
    }
    std::string mode;
    *session << "PRAGMA journal_mode = WAL", soci::into(mode);
    Migrate(*session);
    if (!HasTables(*session)) return FileTrouble{Transient("tables of it are gone"), true};
    return std::nullopt;
  } catch (const soci::soci_error& e) {
    return TroubleOf(session, e);
  }
}

// <path>.damaged-20261121T040000Z, with a number when that is taken.
std::filesystem::path SetAsideName(const std::filesystem::path& path, TimePoint now) {
  std::string stamp;
  for (const char c : FormatTime(now)) {
    if (c != '-' && c != ':') stamp += c;
  }
  const std::string base = path.string() + ".damaged-" + stamp;
  std::filesystem::path target = base;
  for (int i = 2; std::filesystem::exists(target); ++i) target = base + "-" + std::to_string(i);
  return target;
}

Result<std::filesystem::path> SetAside(const std::filesystem::path& path, TimePoint now) {
  const auto target = SetAsideName(path, now);
  std::error_code error;
  std::filesystem::rename(path, target, error);
  if (error) {
    return Internal("setting the damaged metadata database " + path.string() +
                    " aside: " + error.message() + "; move it away by hand");
  }
  // The log belongs to the damaged file: left behind, it would be replayed into the new one.
  for (const char* suffix : {"-wal", "-shm"}) {
    std::filesystem::rename(path.string() + suffix, target.string() + suffix, error);
    if (error) std::filesystem::remove(path.string() + suffix, error);
  }
  return target;
}

}  // namespace

Result<OpenedDatabase> OpenDatabase(const std::filesystem::path& path, TimePoint now) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  OpenedDatabase opened;
  opened.created = !std::filesystem::exists(path, error);
  auto trouble = ConnectAndCheck(path, opened.session);
  if (!trouble) return opened;
  if (!trouble->damaged)
    return Wrap("opening the metadata database " + path.string(), trouble->error);
  opened.session.reset();
  auto aside = SetAside(path, now);
  if (!aside) return aside.error();
  opened.warning = "the metadata database " + path.string() + " is damaged (" +
                   trouble->error.message + "); it was moved to " + aside->string() +
                   " and a new one is filled from the runs that live";
  opened.created = true;
  trouble = ConnectAndCheck(path, opened.session);
  if (trouble) return Wrap(opened.warning + "; opening that new one", trouble->error);
  return opened;
}

Result<OpenedDatabase> OpenIntactDatabase(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  OpenedDatabase opened;
  opened.created = !std::filesystem::exists(path, error);
  const auto trouble = ConnectAndCheck(path, opened.session);
  if (!trouble) return opened;
  const std::string what = "opening the metadata database " + path.string();
  if (!trouble->damaged) return Wrap(what, trouble->error);
  return Transient(what + ": it is damaged (" + trouble->error.message +
                   "); it is set aside when the operator next records a run");
}

Result<std::string> PrepareDatabase(const std::filesystem::path& path, TimePoint now) {
  PENSTOCK_ASSIGN(const auto opened, OpenDatabase(path, now));
  return opened.warning;
}

Result<Session> OpenForReading(const std::filesystem::path& path) {
  PENSTOCK_ASSIGN(const bool there, IsThere(path));
  if (!there) {
    return NotFound("there is no metadata database " + path.string());
  }
  try {
    Session session;
    Connect(path, session);
    *session << "PRAGMA query_only = ON";
    return session;
  } catch (const soci::soci_error& e) {
    return Internal("opening the metadata database " + path.string() + ": " +
                    e.get_error_message());
  }
}

bool HasLostItsFile(soci::session& session) {
  switch (LastCode(session)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:  // so also when the file was moved away
    case SQLITE_ERROR:     // our statements are always the same ones: the tables are not
      return true;
    default:
      return false;
  }
}

}  // namespace penstock::metadata
