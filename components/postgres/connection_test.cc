#include "components/postgres/connection.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "operator/net/testing/fake_server.h"

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

// Variables of libpq while a test goes on.
class Variables {
 public:
  explicit Variables(const std::map<std::string, std::string>& all) {
    for (const auto& [name, value] : all) {
      ::setenv(name.c_str(), value.c_str(), 1);
      names_.push_back(name);
    }
  }
  ~Variables() {
    for (const auto& name : names_) ::unsetenv(name.c_str());
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  std::vector<std::string> names_;
};

constexpr const char* kElsewhere = "refused beside a password of the step's env";

TEST(PostgresConnection, ThePasswordOfTheEnvIsNotSentWhereAParameterSays) {
  const Variables variables({{"PGHOST", "127.0.0.1"}, {"PGPORT", "1"}, {"PGPASSWORD", "hunter2"}});
  for (const auto& [text, names] : std::vector<std::pair<std::string, std::string>>{
           {"host=evil.invalid", ": host;"},
           {"postgresql://evil.invalid:5432/sales?sslmode=disable", ": host, port, sslmode;"},
           {"hostaddr=192.0.2.1", ": hostaddr;"},
           {"host=127.0.0.1,evil.invalid", ": host;"},
           {"sslmode=allow", ": sslmode;"},
           {"sslmode=''", ": sslmode;"},
           {"sslrootcert=/tmp/mine.pem", ": sslrootcert;"},
           {"dbname=sales port=5433 user=me", ": port;"}}) {
    const std::string problem = OpenProblem({.text = text, .attempts = 1});
    EXPECT_NE(problem.find(kElsewhere), std::string::npos) << text << ": " << problem;
    EXPECT_NE(problem.find(names), std::string::npos) << text << ": " << problem;
    EXPECT_EQ(problem.find("hunter2"), std::string::npos) << problem;
  }
  // What the env says too, more protection, and what decides neither.
  for (const char* text : {"host=127.0.0.1 port=1", "sslmode=require", "sslmode=verify-ca",
                           "dbname=sales user=me application_name=a options='-c a.b=1'"}) {
    const std::string problem = OpenProblem({.text = text, .attempts = 1});
    EXPECT_EQ(problem.find(kElsewhere), std::string::npos) << text << ": " << problem;
    EXPECT_NE(problem.find("127.0.0.1"), std::string::npos) << text << ": " << problem;
  }
}

TEST(PostgresConnection, ASecretUrlIsNotLedElsewhere) {
  const std::map<std::string, std::string> environment{
      {"DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/sales?sslmode=require"}};
  for (const char* text : {"host=evil.invalid", "sslmode=prefer", "hostaddr=192.0.2.1"}) {
    const std::string problem =
        OpenProblem({.text = text, .environment = environment, .attempts = 1});
    EXPECT_NE(problem.find(kElsewhere), std::string::npos) << text << ": " << problem;
  }
  const std::string same = OpenProblem(
      {.text = "host=127.0.0.1 dbname=other", .environment = environment, .attempts = 1});
  EXPECT_NE(same.find("port 1 failed"), std::string::npos) << same;
}

TEST(PostgresConnection, FilesOfPasswordsAreNamedByTheEnvAlone) {
  for (const char* name : {"PGPASSFILE", "PGSERVICE"}) {
    const Variables variables(std::map<std::string, std::string>{{name, "/no/such"}});
    const std::string problem = OpenProblem({.text = "host=evil.invalid", .attempts = 1});
    EXPECT_NE(problem.find(kElsewhere), std::string::npos) << name << ": " << problem;
  }
  for (const char* text : {"host=evil.invalid service=sales", "passfile=/secret/pgpass"}) {
    const std::string problem = OpenProblem({.text = text, .attempts = 1});
    EXPECT_NE(problem.find("names a file of passwords"), std::string::npos) << problem;
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

TEST(PostgresConnection, AServerThatHangsHoldsNobodyBehindTheTimeout) {
  const auto message = [](char type, const std::string& body) {
    return std::string(1, type) + std::string(3, '\0') + char(body.size() + 4) + body;
  };
  net::FakeServer server([&](net::FakeConnection& c) {
    if (c.index() == 0) {  // AuthenticationOk, BackendKeyData, ReadyForQuery
      c.Send(message('R', std::string(4, '\0')) + message('K', std::string(8, '\1')) +
             message('Z', "I"));
    }
    c.WaitClosed();  // neither what is asked nor the request to cancel it is answered
  });
  const std::string port = server.url().substr(server.url().rfind(':') + 1);
  const auto begin = std::chrono::steady_clock::now();
  const auto connection = Connection::Open(
      {.text = "host=127.0.0.1 user=x sslmode=disable gssencmode=disable port=" + port,
       .timeout = std::chrono::milliseconds(500)});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().kind, ErrorKind::kDeadline) << connection.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(6));
  EXPECT_EQ(server.connections(), 2) << "the server was not asked to stop";
}

TEST(PostgresConnection, SaysWhatToSetWhereNoHostIsNamed) {
  const std::string problem = OpenProblem({.text = "user=x port=1", .attempts = 1});
  EXPECT_NE(problem.find("no host is named: set PGHOST or DATABASE_URL"), std::string::npos)
      << problem;
}

}  // namespace
}  // namespace penstock::postgres
