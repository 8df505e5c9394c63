// Where history is kept: a file of SQLite's (SqliteFile), or a PostgreSQL server (postgres/). This
// is what the recorder and Query ask of it; the statements are theirs, and the same for both.
//
// Thread-safe. Its sessions are of the thread that opened them.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>

#include "operator/base/result.h"
#include "operator/base/time.h"

namespace soci {
class session;
}

namespace penstock::metadata {

// So that who only holds one needs no header of SOCI.
struct CloseSession {
  void operator()(soci::session* session) const;
};
using Session = std::unique_ptr<soci::session, CloseSession>;

struct OpenedDatabase {
  Session session;
  bool created = false;  // it held nothing, or what it held was set aside: fill it from live runs
  std::string warning;   // what people should know of it; else empty
};

// What is to be done after something failed.
enum class Trouble : std::uint8_t {
  kPasses,   // it is full, busy or slow: the same again, later
  kLost,     // the session is of no more use: another one
  kRefused,  // it cannot hold what was written: the same again fails again
};

class Database {
 public:
  virtual ~Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // For people, without secrets: "the metadata database /data/metadata.sqlite".
  [[nodiscard]] virtual std::string name() const = 0;

  // A session whose schema is up to date. kUnsupported where a newer program made it; kNoSpace
  // or kTransient where it cannot be had now, also where how to reach it is missing or wrong.
  [[nodiscard]] virtual Result<OpenedDatabase> OpenToWrite(TimePoint now) const = 0;
  // As OpenToWrite, for who writes beside the recorder: what is damaged stays where it is, and is
  // kTransient until the recorder has set it aside, which knows what to fill the new one with.
  [[nodiscard]] virtual Result<OpenedDatabase> OpenIntact() const = 0;
  // Of a transaction that has just begun: waits until no other one writes, on any machine, so that
  // the order of changes is that in which readers see them. Throws as a statement.
  virtual void BeginWriting(soci::session& session) const = 0;

  // A session that only reads; `fresh`: none that has stood idle. kNotFound where there is nothing
  // yet, and only then: a server that cannot be asked is kTransient. Each is given back by Done.
  [[nodiscard]] virtual Result<Session> OpenToRead(bool fresh) const = 0;
  // `good`: what was asked was answered, so that it may be asked again.
  virtual void Done(Session session, bool good) const = 0;

  // Of what a statement of this session has thrown. To be asked at once: the next statement, a
  // rollback too, changes the answer.
  [[nodiscard]] virtual Trouble TroubleAfter(soci::session& session,
                                             const std::exception& thrown) const = 0;

 protected:
  Database() = default;
};

using DatabasePtr = std::shared_ptr<const Database>;

// The file, which is made when it is first written to (sqlite_file.h).
[[nodiscard]] DatabasePtr SqliteFile(std::filesystem::path path);

}  // namespace penstock::metadata
