// A file of SQLite's as a Database: a session a question, as opening one costs a tenth of a
// millisecond.
#include <soci.h>

#include <utility>

#include "operator/metadata/database.h"
#include "operator/metadata/sqlite_file.h"

namespace penstock::metadata {
namespace {

class SqliteDatabase : public Database {
 public:
  explicit SqliteDatabase(std::filesystem::path path) : path_(std::move(path)) {}

  std::string name() const override { return "the metadata database " + path_.string(); }

  Result<OpenedDatabase> OpenToWrite(TimePoint now) const override {
    return OpenDatabase(path_, now);
  }

  Result<OpenedDatabase> OpenIntact() const override { return OpenIntactDatabase(path_); }

  // SQLite holds the file for one writer from its first write on: one that changes nothing, before
  // anything is read that the other's end would make old.
  void BeginWriting(soci::session& session) const override {
    session << "DELETE FROM runs WHERE uid = ''";
  }

  Result<Session> OpenToRead(bool /*fresh*/) const override { return OpenForReading(path_); }

  void Done(Session /*session*/, bool /*good*/) const override {}

  Trouble TroubleAfter(soci::session& session, const std::exception& /*thrown*/) const override {
    return HasLostItsFile(session) ? Trouble::kLost : Trouble::kPasses;
  }

 private:
  const std::filesystem::path path_;
};

}  // namespace

DatabasePtr SqliteFile(std::filesystem::path path) {
  return std::make_shared<SqliteDatabase>(std::move(path));
}

}  // namespace penstock::metadata
