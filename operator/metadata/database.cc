#include "operator/metadata/database.h"

#include <soci.h>
#include <sqlite3/soci-sqlite3.h>

#include <system_error>
#include <utility>

#include "operator/metadata/schema.h"

namespace penstock::metadata {
namespace {

std::unique_ptr<soci::session> Connect(const std::filesystem::path& path) {
  // SOCI loses a connection whose first statement fails, as it would with the option synchronous=1
  // on a damaged file; a session that stands closes it.
  auto session =
      std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + path.string() + "\" timeout=5");
  *session << "PRAGMA synchronous = NORMAL";
  *session << "PRAGMA foreign_keys = ON";
  return session;
}

// Throws when the file cannot be used; the message says why.
std::unique_ptr<soci::session> ConnectAndCheck(const std::filesystem::path& path) {
  auto session = Connect(path);
  std::string verdict;
  *session << "PRAGMA quick_check(1)", soci::into(verdict);
  if (verdict != "ok") throw soci::soci_error(verdict);
  const int version = ReadSchemaVersion(*session);
  if (version > SchemaVersion()) {
    throw soci::soci_error("its schema version " + std::to_string(version) +
                           " is newer than this program's " + std::to_string(SchemaVersion()));
  }
  std::string mode;
  *session << "PRAGMA journal_mode = WAL", soci::into(mode);
  Migrate(*session);
  return session;
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
  try {
    opened.session = ConnectAndCheck(path);
    return opened;
  } catch (const soci::soci_error& e) {
    opened.warning = e.get_error_message();
  }
  if (opened.created || !std::filesystem::exists(path, error)) {
    return Internal("opening the metadata database " + path.string() + ": " + opened.warning);
  }
  auto aside = SetAside(path, now);
  if (!aside) return aside.error();
  opened.warning = "the metadata database " + path.string() + " cannot be used (" + opened.warning +
                   "); it was moved to " + aside->string() +
                   " and a new one is filled from the runs that live";
  opened.created = true;
  try {
    opened.session = ConnectAndCheck(path);
  } catch (const soci::soci_error& e) {
    return Internal("opening a new metadata database " + path.string() + ": " +
                    e.get_error_message());
  }
  return opened;
}

Result<std::unique_ptr<soci::session>> OpenForReading(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return NotFound("there is no metadata database " + path.string());
  }
  try {
    auto session = Connect(path);
    *session << "PRAGMA query_only = ON";
    return session;
  } catch (const soci::soci_error& e) {
    return Internal("opening the metadata database " + path.string() + ": " +
                    e.get_error_message());
  }
}

bool HasLostItsFile(soci::session& session) {
  // SOCI gives the code with some of its exceptions only; the connection has it always. (It hides
  // the type information that a dynamic_cast needs; a session here is always SQLite's.)
  const auto* backend = static_cast<soci::sqlite3_session_backend*>(session.get_backend());
  switch (sqlite_api::sqlite3_errcode(backend->conn_) & 0xff) {
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
