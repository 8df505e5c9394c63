#include "operator/metadata/postgres/postgres_database.h"

#include <libpq-fe.h>
#include <postgresql/soci-postgresql.h>
#include <soci.h>

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/metadata/postgres/address.h"
#include "operator/metadata/postgres/schema.h"

namespace penstock::metadata {
namespace {

constexpr std::size_t kMostReaders = 8;
constexpr std::chrono::seconds kPatience{5};

// libpq's texts end with a line break, and have some within.
std::string OneLine(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

// Whatever keeps the server from being reached is mended by others and then passes. Never
// kNotFound, which says that there is no history yet: what history keeps would be collected.
Error Unreachable(const std::string& what, const Error& why) {
  Error e = Wrap(what, why);
  e.kind = ErrorKind::kTransient;
  return e;
}

struct Connected {
  Session session;
  PostgresAddress address;
};

PGconn* ConnectionOf(soci::session& session) {
  return static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
}

// The SQLSTATE of what was thrown, or "".
std::string StateOf(const std::exception& thrown) {
  const auto* error = dynamic_cast<const soci::postgresql_soci_error*>(&thrown);
  return error == nullptr ? "" : error->sqlstate();
}

class PostgresDatabase : public Database {
 public:
  explicit PostgresDatabase(PostgresSettings settings) : settings_(std::move(settings)) {}

  std::string name() const override {
    const std::lock_guard lock(mutex_);
    return "the metadata database " +
           (shown_.empty() ? "of " + settings_.url.string() : shown_ + " (PostgreSQL)");
  }

  Result<OpenedDatabase> OpenToWrite(TimePoint /*now*/) const override {
    auto connected = Connect(
        "SET statement_timeout = 60000; SET lock_timeout = 30000;"
        " SET idle_in_transaction_session_timeout = 120000");
    if (!connected) return connected.error();
    try {
      auto created = MigratePostgres(*connected->session);
      if (!created) return Wrap("opening " + name(), created.error());
      return OpenedDatabase{std::move(connected->session), *created, connected->address.warning};
    } catch (const std::exception& e) {
      return Transient("bringing " + name() + " up to date: " + OneLine(e.what()));
    }
  }

  // Nothing of a server is ever set aside.
  Result<OpenedDatabase> OpenIntact() const override { return OpenToWrite(TimePoint{}); }

  void BeginWriting(soci::session& session) const override { LockForWriting(session); }

  Result<Session> OpenToRead(bool fresh) const override {
    {
      std::unique_lock lock(mutex_);
      if (!returned_.wait_for(lock, kPatience, [&] { return taken_ < kMostReaders; }))
        return Transient("history is asked too much at once; ask again");
      ++taken_;
      if (fresh) idle_.clear();
      if (!idle_.empty()) {
        Session session = std::move(idle_.back());
        idle_.pop_back();
        return session;
      }
    }
    auto connected =
        Connect("SET statement_timeout = 30000; SET default_transaction_read_only = on");
    if (!connected) {
      Return(nullptr);
      return connected.error();
    }
    return std::move(connected->session);
  }

  void Done(Session session, bool good) const override {
    if (!good) session.reset();
    Return(std::move(session));
  }

  // By the classes of "PostgreSQL Error Codes" (appendix A of its manual).
  Trouble TroubleAfter(soci::session& session, const std::exception& thrown) const override {
    if (PQstatus(ConnectionOf(session)) != CONNECTION_OK) return Trouble::kLost;
    const std::string state = StateOf(thrown);
    // Being shut down; it became a standby; the tables are not those that were opened.
    for (const char* lost : {"08", "57P", "25006", "42P01", "3F"})
      if (state.starts_with(lost)) return Trouble::kLost;
    // A value that it cannot hold, or too large a one.
    for (const char* refused : {"22", "23", "54"})
      if (state.starts_with(refused)) return Trouble::kRefused;
    return Trouble::kPasses;
  }

 private:
  Result<Connected> Connect(const std::string& settings) const {
    auto text = ReadFile(settings_.url, 1 << 16);
    if (!text) return Unreachable("the connection string of the metadata database", text.error());
    auto address = ReadPostgresAddress(*text, settings_.ca);
    if (!address) return Unreachable(settings_.url.string(), address.error());
    {
      const std::lock_guard lock(mutex_);
      shown_ = address->shown;
    }
    try {
      Session session(new soci::session(soci::postgresql, address->uri));
      *session << "SET client_min_messages = warning; " + settings;
      return Connected{std::move(session), *std::move(address)};
    } catch (const std::exception& e) {
      return Transient("connecting to " + name() + ": " + OneLine(e.what()));
    }
  }

  void Return(Session session) const {
    {
      const std::lock_guard lock(mutex_);
      --taken_;
      if (session != nullptr) idle_.push_back(std::move(session));
    }
    returned_.notify_one();
  }

  const PostgresSettings settings_;
  mutable std::mutex mutex_;
  mutable std::condition_variable returned_;
  mutable std::vector<Session> idle_;
  mutable std::size_t taken_ = 0;
  mutable std::string shown_;
};

}  // namespace

DatabasePtr PostgresServerDatabase(PostgresSettings settings) {
  return std::make_shared<PostgresDatabase>(std::move(settings));
}

}  // namespace penstock::metadata
