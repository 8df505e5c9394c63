#include "components/postgres/connection.h"

#include <gtest/gtest.h>

namespace penstock::postgres {
namespace {

std::string OpenProblem(const ConnectionSettings& settings) {
  const auto connection = Connection::Open(settings);
  return connection ? "" : connection.error().message;
}

TEST(PostgresConnection, SaysWhereAPositionIs) {
  EXPECT_EQ(PlaceIn("SELECT x FROM t", 8), "line 1, character 8 ('x FROM t')");
  EXPECT_EQ(PlaceIn("SELECT 1,\n  x\nFROM t", 13), "line 2, character 3 ('x')");
  // Characters, not bytes.
  EXPECT_EQ(PlaceIn("SELECT '날짜', x", 14), "line 1, character 14 ('x')");
  EXPECT_EQ(PlaceIn("SELECT", 99), "line 1, character 7");
}

TEST(PostgresConnection, RefusesAPasswordWhereEverybodySeesIt) {
  for (const char* text : {"host=db password=hunter2", "postgresql://me:hunter2@db/sales",
                           "host=db sslpassword=hunter2"}) {
    const std::string problem = OpenProblem({.text = text});
    EXPECT_NE(problem.find("parameter connection: a password is refused"), std::string::npos)
        << problem;
    EXPECT_EQ(problem.find("hunter2"), std::string::npos);
  }
}

TEST(PostgresConnection, SaysWhatIsWrongWithAConnectionString) {
  EXPECT_NE(
      OpenProblem({.text = "hots=db"}).find("parameter connection: invalid connection option"),
      std::string::npos)
      << OpenProblem({.text = "hots=db"});
}

TEST(PostgresConnection, TellsNothingOfASecretUrlThatIsNone) {
  const std::string problem =
      OpenProblem({.environment = {{"DATABASE_URL", "postgresql://me:hunter%2@db/x"}}});
  EXPECT_NE(problem.find("DATABASE_URL is no connection string"), std::string::npos) << problem;
  EXPECT_EQ(problem.find("hunter"), std::string::npos) << problem;
}

TEST(PostgresConnection, AServerThatIsNotThereMayComeYet) {
  const auto connection = Connection::Open({.text = "host=127.0.0.1 port=1 user=x",
                                            .attempts = 2,
                                            .backoff = std::chrono::milliseconds(1)});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().kind, ErrorKind::kTransient);
  EXPECT_NE(connection.error().message.find("port 1 failed"), std::string::npos)
      << connection.error().message;
}

TEST(PostgresConnection, AHostThatIsUnknownIsNamed) {
  const std::string problem = OpenProblem({.text = "host=nowhere.invalid", .attempts = 1});
  EXPECT_NE(problem.find("nowhere.invalid"), std::string::npos) << problem;
}

TEST(PostgresConnection, SaysWhatToSetWhereNoHostIsNamed) {
  const std::string problem = OpenProblem({.text = "user=x port=1", .attempts = 1});
  EXPECT_NE(problem.find("no host is named: set PGHOST or DATABASE_URL"), std::string::npos)
      << problem;
}

}  // namespace
}  // namespace penstock::postgres
