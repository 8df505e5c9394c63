// A database of a test's own, of each kind: what holds of one holds of the other.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "operator/metadata/batch_recorder.h"
#include "operator/metadata/postgres/testing/postgres_server.h"
#include "operator/metadata/query.h"

namespace penstock::metadata {

// So many seconds after a moment.
[[nodiscard]] TimePoint At(int seconds);
// Of two steps: `ingest` succeeded, `train` runs and has said something.
[[nodiscard]] RunRecord FlightsRun(const std::string& uid, const std::string& outcome = "");

// A schema of a real server that all tests of the program share, and that starts with the first.
class PostgresSchema {
 public:
  // Null where there is no server, and why.
  [[nodiscard]] static std::unique_ptr<PostgresSchema> Make(const std::filesystem::path& folder,
                                                            std::string& why_not);
  [[nodiscard]] PostgresServer& server() const { return server_; }
  // "postgresql://...", with the password and this schema; `more` like "&sslmode=require".
  [[nodiscard]] std::string Url(const std::string& more = "") const;
  // A Database of such a connection string, held to the server's certificate.
  [[nodiscard]] DatabasePtr Open(const std::string& url) const;
  // Of what stands in the file that Open writes, if it is there.
  [[nodiscard]] DatabasePtr OpenAsItIs() const;
  // As a superuser, within the schema.
  std::string Sql(const std::string& statements) const;

 private:
  PostgresSchema(PostgresServer& server, std::filesystem::path folder, std::string name)
      : server_(server), folder_(std::move(folder)), name_(std::move(name)) {}
  PostgresServer& server_;
  const std::filesystem::path folder_;  // of the files with connection strings
  const std::string name_;
};

enum class Kind : std::uint8_t { kSqlite, kPostgres };

class AnyDatabase : public ::testing::TestWithParam<Kind> {
 protected:
  AnyDatabase();
  ~AnyDatabase() override;
  void SetUp() override;
  [[nodiscard]] std::unique_ptr<BatchRecorder> OpenRecorder();
  [[nodiscard]] Query query() const { return Query(database_); }
  [[nodiscard]] std::string warnings();

  SystemClock clock_;
  std::filesystem::path folder_;
  std::unique_ptr<PostgresSchema> schema_;  // of Kind::kPostgres
  DatabasePtr database_;

 private:
  std::mutex mutex_;
  std::string warnings_;
};

[[nodiscard]] std::string NameOfKind(const ::testing::TestParamInfo<Kind>& info);

}  // namespace penstock::metadata
