#include "components/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <future>
#include <system_error>
#include <thread>

#include "components/postgres/keywords.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::postgres {
namespace {

constexpr std::chrono::seconds kCancelPatience{3};

using SteadyTime = std::chrono::steady_clock::time_point;

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* answer) const { PQclear(answer); }
};
using Session = std::unique_ptr<PGconn, Finish>;
using Answer = std::unique_ptr<PGresult, Clear>;

std::string FieldOf(const PGresult* answer, int code) {
  return Said(PQresultErrorField(answer, code));
}

// By the classes of "PostgreSQL Error Codes" (appendix A of its manual).
ErrorKind KindOfState(const std::string& state) {
  if (state == "57014") return ErrorKind::kDeadline;  // by statement_timeout, or by an operator
  if (state == "42501" || state.starts_with("28")) return ErrorKind::kForbidden;
  if (state.starts_with("08") || state.starts_with("53") || state.starts_with("57") ||
      state.starts_with("40")) {
    return ErrorKind::kTransient;
  }
  return ErrorKind::kInvalid;
}

Error ErrorOfAnswer(const PGresult* answer, const std::string& query) {
  const std::string state = FieldOf(answer, PG_DIAG_SQLSTATE);
  Error error;
  error.kind = KindOfState(state);
  error.message = "SQLSTATE " + state + ": " + FieldOf(answer, PG_DIAG_MESSAGE_PRIMARY);
  const int position = std::atoi(FieldOf(answer, PG_DIAG_STATEMENT_POSITION).c_str());
  if (position > 0 && !query.empty()) {
    error.message += ", at " + PlaceIn(query, std::size_t(position)) + " of the query";
  }
  if (const auto detail = FieldOf(answer, PG_DIAG_MESSAGE_DETAIL); !detail.empty())
    error.message += "; " + detail;
  if (const auto hint = FieldOf(answer, PG_DIAG_MESSAGE_HINT); !hint.empty())
    error.message += "; hint: " + hint;
  return error;
}

// Names and values as libpq takes them; points into `keywords`.
struct Pointers {
  std::vector<const char*> names, values;
  explicit Pointers(const Keywords& keywords) {
    for (const auto& [name, value] : keywords) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
  }
};

// libpq tells why by a text alone. Whether another try may help the server is asked: one that
// answers took offence at something else.
Error WhyNotConnected(PGconn* connection, const Pointers& pointers) {
  std::string why = connection == nullptr ? "out of memory" : Said(PQerrorMessage(connection));
  const char* host = connection == nullptr ? nullptr : PQhost(connection);
  if (host != nullptr && host[0] == '/') {
    why +=
        "; no host is named: set PGHOST or DATABASE_URL in the step's env, or host= in the "
        "parameter connection";
  }
  const auto state = PQpingParams(pointers.names.data(), pointers.values.data(), 0);
  return state == PQPING_OK ? Invalid(why) : Transient(why);
}

Result<Session> Connect(const Keywords& keywords, const ConnectionSettings& settings) {
  const Pointers pointers(keywords);
  for (int attempt = 1;; ++attempt) {
    Session session(PQconnectdbParams(pointers.names.data(), pointers.values.data(), 0));
    if (session != nullptr && PQstatus(session.get()) == CONNECTION_OK) return session;
    Error error = WhyNotConnected(session.get(), pointers);
    if (!PassesByItself(error.kind) || attempt >= settings.attempts) return error;
    std::this_thread::sleep_for(settings.backoff * (1 << (attempt - 1)));
  }
}

std::size_t CharactersOf(std::string_view text) {
  return std::size_t(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string PlaceIn(std::string_view query, std::size_t position) {
  std::size_t at = 0;
  for (std::size_t seen = 1; at < query.size() && seen < position; ++seen) {
    ++at;
    while (at < query.size() && (query[at] & 0xC0) == 0x80) ++at;
  }
  const std::string_view before = query.substr(0, at);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const auto begin = before.rfind('\n');
  const auto line = begin == before.npos ? before : before.substr(begin + 1);
  std::string out =
      "line " + std::to_string(lines + 1) + ", character " + std::to_string(CharactersOf(line) + 1);
  std::string_view there = query.substr(at, 40);
  there = there.substr(0, there.find('\n'));
  if (!there.empty()) out += " ('" + plan::Shown(std::string(there), 60) + "')";
  return out;
}

struct Connection::Impl {
  Session session;
  SteadyTime deadline;
  std::chrono::milliseconds timeout{0};
  std::string query;

  bool cancelled = false;

  // Stops what the server does for us, so that it does not go on for nobody. libpq connects for it
  // and waits without a bound: who is gone is left to a thread of its own.
  void Cancel() {
    if (cancelled || PQtransactionStatus(session.get()) != PQTRANS_ACTIVE) return;
    cancelled = true;
    const std::shared_ptr<PGcancel> cancel(PQgetCancel(session.get()), PQfreeCancel);
    if (cancel == nullptr) return;
    const auto told = std::make_shared<std::promise<void>>();
    const auto done = told->get_future();
    try {
      std::thread([cancel, told] {
        std::array<char, 256> why{};
        PQcancel(cancel.get(), why.data(), int(why.size()));
        told->set_value();
      }).detach();
    } catch (const std::system_error&) {
      return;  // no thread to be had: the server notices when the session ends
    }
    done.wait_for(kCancelPatience);
  }

  Error TooLong() const {
    Error error;
    error.kind = ErrorKind::kDeadline;
    error.message = "the query took longer than the parameter timeout, " + FormatDuration(timeout);
    return error;
  }

  Error Lost() const {
    return Transient("the connection broke: " + Said(PQerrorMessage(session.get())));
  }

  // The next answer to what was sent, null after the last.
  Result<Answer> Next() {
    while (PQisBusy(session.get()) != 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        Cancel();
        return TooLong();
      }
      pollfd waits{PQsocket(session.get()), POLLIN, 0};
      const int most = int(std::min<std::int64_t>(left.count(), 60'000));
      if (::poll(&waits, 1, most) < 0 && errno != EINTR) return FromErrno("poll", errno);
      if (waits.revents != 0 && PQconsumeInput(session.get()) == 0) return Lost();
    }
    return Answer(PQgetResult(session.get()));
  }

  Error Refused(const PGresult* answer) const {
    Error error = ErrorOfAnswer(answer, query);
    const bool late = std::chrono::steady_clock::now() + std::chrono::seconds(1) >= deadline;
    if (error.kind == ErrorKind::kDeadline && late) return TooLong();
    if (PQstatus(session.get()) != CONNECTION_OK) return Lost();
    return error;
  }

  // All answers; the last one that is no error.
  Result<Answer> Drain() {
    Answer last;
    std::optional<Error> problem;
    for (;;) {
      PENSTOCK_ASSIGN(Answer answer, Next());
      if (answer == nullptr) break;
      const auto status = PQresultStatus(answer.get());
      if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && !problem) {
        problem = Refused(answer.get());
        if (PQstatus(session.get()) != CONNECTION_OK) break;
      }
      last = std::move(answer);
    }
    if (problem) return *problem;
    return last;
  }

  Result<void> Begin() {
    // A little more than ours: a server that is heard ends with our words.
    const std::string text =
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; "
        "SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres'; "
        "SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = " +
        std::to_string(timeout.count() + 500);
    if (PQsendQuery(session.get(), text.c_str()) == 0) return Lost();
    if (auto done = Drain(); !done) return Wrap("beginning a transaction", done.error());
    return {};
  }
};

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() { impl_->Cancel(); }

Result<std::unique_ptr<Connection>> Connection::Open(const ConnectionSettings& settings) {
  PENSTOCK_ASSIGN(const auto keywords, MakeKeywords(settings));
  auto impl = std::make_unique<Impl>();
  PENSTOCK_ASSIGN(impl->session, Connect(keywords, settings));
  impl->timeout = settings.timeout;
  impl->deadline = std::chrono::steady_clock::now() + settings.timeout;
  PENSTOCK_TRY(impl->Begin());
  return std::unique_ptr<Connection>(new Connection(std::move(impl)));
}

std::string Connection::Protection() const {
  if (PQsslInUse(impl_->session.get()) == 0) return "no TLS";
  const char* protocol = PQsslAttribute(impl_->session.get(), "protocol");
  return protocol == nullptr ? "TLS" : protocol;
}

Result<std::vector<AnswerColumn>> Connection::Prepare(const std::string& query) {
  PGconn* session = impl_->session.get();
  if (query.find('\0') != std::string::npos) return Invalid("the query holds a NUL character");
  impl_->query = query;
  if (PQsendPrepare(session, "", query.c_str(), 0, nullptr) == 0) return impl_->Lost();
  if (auto done = impl_->Drain(); !done) return done.error();
  if (PQsendDescribePrepared(session, "") == 0) return impl_->Lost();
  PENSTOCK_ASSIGN(const Answer description, impl_->Drain());
  std::vector<AnswerColumn> columns;
  const int count = PQnfields(description.get());
  if (count == 0) return Invalid("the query answers no rows; it is to be one SELECT");
  for (int i = 0; i < count; ++i) {
    columns.push_back({PQfname(description.get(), i), PQftype(description.get(), i),
                       PQfmod(description.get(), i)});
  }
  return columns;
}

Result<void> Connection::Execute(const std::vector<std::optional<std::string>>& arguments,
                                 bool binary, const OnRow& on_row) {
  PGconn* session = impl_->session.get();
  std::vector<const char*> values;
  for (const auto& argument : arguments) values.push_back(argument ? argument->c_str() : nullptr);
  if (PQsendQueryPrepared(session, "", int(values.size()), values.data(), nullptr, nullptr,
                          binary ? 1 : 0) == 0 ||
      PQsetSingleRowMode(session) == 0) {
    return impl_->Lost();
  }
  Row row;
  for (;;) {
    PENSTOCK_ASSIGN(const Answer answer, impl_->Next());
    if (answer == nullptr) return {};
    const auto status = PQresultStatus(answer.get());
    if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) {
      return impl_->Refused(answer.get());
    }
    const int fields = PQnfields(answer.get());
    for (int r = 0; r < PQntuples(answer.get()); ++r) {
      row.assign(std::size_t(fields), std::nullopt);
      for (int i = 0; i < fields; ++i) {
        if (PQgetisnull(answer.get(), r, i) != 0) continue;
        row[std::size_t(i)] = std::string_view(PQgetvalue(answer.get(), r, i),
                                               std::size_t(PQgetlength(answer.get(), r, i)));
      }
      PENSTOCK_TRY(on_row(row));
    }
    if (std::chrono::steady_clock::now() > impl_->deadline) return impl_->TooLong();
  }
}

}  // namespace penstock::postgres
