// A session with a PostgreSQL server, within one transaction that is REPEATABLE READ and READ ONLY:
// whatever is asked sees one state of the database and changes nothing. Used by one thread.
//
// Errors have the server's SQLSTATE, and the place in the query where it names one. None holds a
// password: what is secret is told to the server alone.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::postgres {

struct ConnectionSettings {
  // A connection string of libpq, without a password; may be empty. It is not trusted: beside a
  // password of the environment it says neither where that is sent nor with less protection.
  std::string text = {};
  // Of the step: DATABASE_URL, and PGSSLROOTCERT, PGSSLCERT and PGSSLKEY, which may be PEM in place
  // of paths. The other variables of libpq it reads from the process's own.
  std::map<std::string, std::string> environment = {};
  std::filesystem::path scratch = {};            // a folder that exists, for those files
  std::chrono::milliseconds timeout{3'600'000};  // of what is asked, not of connecting
  int attempts = 4;                              // while nobody answers
  std::chrono::milliseconds backoff{500};
};

// A column of an answer, as the server describes it. `modifier`: -1 for none.
struct AnswerColumn {
  std::string name;
  std::uint32_t type = 0;
  std::int32_t modifier = -1;
};

using Field = std::optional<std::string_view>;  // nullopt: NULL
using Row = std::vector<Field>;
using OnRow = std::function<Result<void>(const Row&)>;

class Connection {
 public:
  // Connects and begins the transaction. Tried again while the server does not answer or is still
  // starting. Invalid for a connection string that is none, holds a password or would lead one of
  // the environment elsewhere, and for what the server refuses (a password, a database, a user).
  [[nodiscard]] static Result<std::unique_ptr<Connection>> Open(const ConnectionSettings& settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What the query would answer. Invalid for what is no single statement or answers no rows.
  [[nodiscard]] Result<std::vector<AnswerColumn>> Prepare(const std::string& query);
  // Runs what was prepared last; `binary`: values in the form that the server sends fastest, else
  // as text. Memory of one row. Stops at the first error of `on_row`. Ends within the
  // timeout and the few seconds in which the server is told to stop.
  [[nodiscard]] Result<void> Execute(const std::vector<std::optional<std::string>>& arguments,
                                     bool binary, const OnRow& on_row);

  // "TLSv1.3", or "no TLS", for people.
  [[nodiscard]] std::string Protection() const;

 private:
  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Where a server's position (characters, from 1) is in a text, for people: "line 2, character 8".
[[nodiscard]] std::string PlaceIn(std::string_view query, std::size_t position);

}  // namespace penstock::postgres
