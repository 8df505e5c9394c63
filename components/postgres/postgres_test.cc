// The component on a real server: what each type becomes, what is refused, one state of the
// database, time, memory, TLS.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "components/postgres/connection.h"
#include "components/postgres/run.h"
#include "components/sdk/testing/table_text.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"
#include "operator/base/testing/expect_says.h"
#include "operator/metadata/postgres/testing/postgres_server.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::postgres {
namespace {

using metadata::PostgresServer;

class Postgres : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = PostgresServer::Start(why_not_); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (server_ == nullptr) GTEST_SKIP() << why_not_;
    ::setenv("PGPASSWORD", PostgresServer::kPassword, 1);
    ::setenv("PGHOST", "127.0.0.1", 1);
    ::setenv("PGPORT", std::to_string(server_->port()).c_str(), 1);
  }
  void TearDown() override {
    for (const char* name :
         {"PGHOST", "PGPORT", "PGPASSWORD", "DATABASE_URL", "PGSSLROOTCERT", "PGSSLMODE"})
      ::unsetenv(name);
  }

  Result<void> Run(const std::string& query, Json parameters = Json::object(),
                   std::map<std::string, sdk::StepInput> inputs = {}) {
    parameters["query"] = query;
    if (!parameters.contains("connection")) parameters["connection"] = server_->Address();
    std::filesystem::create_directories(folder_ / "results");
    ::setenv("TMPDIR", (folder_ / "tmp").c_str(), 1);
    sdk::Step step(parameters, std::move(inputs),
                   {{"dataset", folder_ / "out"}, {"schema", folder_ / "_schema.yaml"}},
                   folder_ / "results");
    auto done = RunPostgres(step);
    ::unsetenv("TMPDIR");
    return done;
  }
  std::string Problem(const std::string& query, const Json& parameters = Json::object()) {
    const auto done = Run(query, parameters);
    return done ? "" : done.error().message;
  }
  std::string OpenProblem(const std::string& more) {
    return Problem("SELECT 1 AS a", {{"connection", server_->Address() + more}});
  }
  std::string ResultOf(const std::string& name) { return *ReadFile(folder_ / "results/" + name); }

  std::string Table() {
    return sdk::TableText(folder_ / "out", sdk::LoadSchema(folder_ / "_schema.yaml").value());
  }

  static std::unique_ptr<PostgresServer> server_;
  static std::string why_not_;
  sdk::TestFolder folder_;
};
std::unique_ptr<PostgresServer> Postgres::server_;
std::string Postgres::why_not_;

// As the dataset has it, or why not.
#define EXPECT_READS(query, table)             \
  do {                                         \
    const auto done = Run(query);              \
    EXPECT_TRUE(done) << done.error().message; \
    if (done) {                                \
      EXPECT_EQ(Table(), table) << (query);    \
    }                                          \
  } while (false)

TEST_F(Postgres, KeepsNumbersExactly) {
  EXPECT_READS(
      "SELECT (-32768)::int2 AS a, 2147483647::int4 AS b, (-9223372036854775808)::int8 AS c, "
      "4294967295::oid AS d, true AS e",
      "a:int64 b:int64 c:int64 d:int64 e:bool "
      "\n-32768|2147483647|-9223372036854775808|4294967295|true|");
  EXPECT_READS(
      "SELECT x::float8 AS f, x::float4 AS g FROM (VALUES ('0.1'), ('NaN'), ('-Infinity'), "
      "('1e30')) AS v(x)",
      "f:float64 g:float64 \n0.1|0.10000000149011612|\nnan|nan|\n-inf|-inf|"
      "\n1e+30|1.0000000150474662e+30|");
  EXPECT_READS(
      "SELECT x::numeric(12,3) AS n FROM (VALUES ('0'), ('-0.001'), ('123456789.125'), "
      "('10000'), ('0.5'), ('-999999999.999'), (NULL)) AS v(x)",
      "n:decimal(12,3) \n0.000|\n-0.001|\n123456789.125|\n10000.000|\n0.500|\n-999999999.999|"
      "\nnull|");
  EXPECT_READS(
      "SELECT '-0.00000000000000000000000000000000000001'::numeric(38,38) AS n, "
      "'12345678901234567890123456789012345678'::numeric(38) AS m, "
      "0.0001::numeric(4,4) AS s",
      "n:decimal(38,38) m:decimal(38,0) s:decimal(4,4) "
      "\n-1E-38|12345678901234567890123456789012345678|0.0001|");
}

TEST_F(Postgres, KeepsTextsTimesAndBytes) {
  EXPECT_READS(
      "SELECT '한글'::text AS t, 'ab'::varchar(5) AS v, 'ab'::char(4) AS c, 'q'::\"char\" AS q, "
      "'\\x01ff'::bytea AS b, '6BA7B810-9dad-11d1-80b4-00c04fd430c8'::uuid AS u",
      "t:string v:string c:string q:string b:binary u:string "
      "\n한글|ab|ab  |q|\x01\xFF|6ba7b810-9dad-11d1-80b4-00c04fd430c8|");
  EXPECT_READS("SELECT '{\"a\":  1}'::json AS j, '{\"a\":  1}'::jsonb AS k, '<a/>'::xml AS x",
               "j:string k:string x:string \n{\"a\":  1}|{\"a\": 1}|<a/>|");
  EXPECT_READS(
      "SELECT d::date AS d, (d || ' 23:59:59.999999')::timestamp AS t, "
      "(d || ' 00:00:00+09')::timestamptz AS z FROM (VALUES ('2024-02-29'), ('0001-01-01'), "
      "('9999-12-31')) AS v(d)",
      "d:date t:timestamp z:timestamp "
      "\n2024-02-29|2024-02-29 23:59:59.999999|2024-02-28 15:00:00.000000|"
      "\n0001-01-01|0001-01-01 23:59:59.999999|0000-12-31 15:00:00.000000|"
      "\n9999-12-31|9999-12-31 23:59:59.999999|9999-12-30 15:00:00.000000|");
  EXPECT_READS("SELECT '12:30:00'::time AS t, now()::text LIKE '%+00' AS utc",
               "t:string utc:bool \n12:30:00.000000|true|");
}

TEST_F(Postgres, KeepsArraysAsListsAndNullsAsNulls) {
  EXPECT_READS(
      "SELECT ARRAY[1, NULL, 3] AS a, ARRAY['x','y'] AS t, '{}'::float8[] AS e, NULL::int[] AS n, "
      "ARRAY[1.5]::numeric(4,1)[] AS d, '[5:6]={1,2}'::int[] AS s",
      "a:list<int64> t:list<string> e:list<float64> n:list<int64> d:list<decimal(4,1)> "
      "s:list<int64> \nlist<element: int64>[1, null, 3]|list<element: string>[x, y]|"
      "list<element: double>[]|null|list<element: decimal128(4, 1)>[1.5]|"
      "list<element: int64>[1, 2]|");
  EXPECT_READS(
      "SELECT NULL::int AS a, NULL::text AS b, NULL::bool AS c, NULL::numeric(3,1) AS d, "
      "NULL::timestamptz AS e, NULL::uuid AS f, NULL::bytea AS g",
      "a:int64 b:string c:bool d:decimal(3,1) e:timestamp f:string g:binary "
      "\nnull|null|null|null|null|null|null|");
  EXPECT_SAYS(Problem("SELECT ARRAY[[1,2],[3,4]] AS m"),
              "query: row 1, column 'm': an array of 2 dimensions");
}

TEST_F(Postgres, TakesEnumsAndDomainsForWhatTheyAre) {
  server_->Sql(
      "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN cents AS numeric(9,2); "
      "CREATE DOMAIN ages AS int[]; CREATE TABLE typed (m mood, c cents, a ages); "
      "INSERT INTO typed VALUES ('ok', 1.5, '{7}'), (NULL, NULL, NULL)");
  EXPECT_READS("SELECT * FROM typed",
               "m:string c:decimal(9,2) a:list<int64> "
               "\nok|1.50|list<element: int64>[7]|\nnull|null|null|");
}

TEST_F(Postgres, RefusesTypesThatItCannotKeepByName) {
  const std::string problem = Problem(
      "SELECT interval '1 month' AS i, 1.5::money AS m, avg(x) AS a, int4range(1, 2) AS r, "
      "'10.0.0.1'::inet AS n, point(1, 2) AS p, '12:00+02'::timetz AS z, 7 AS fine, "
      "ROW(1, 2) AS w, ARRAY[interval '1s'] AS l, B'101' AS b FROM generate_series(1, 3) AS x");
  for (const char* part :
       {"column 'i' is interval", "column 'm' is money", "column 'a' is numeric without",
        "column 'r' is int4range", "column 'n' is inet", "column 'p' is point",
        "column 'z' is time with time zone", "column 'w' is record", "column 'l' is interval[]",
        "column 'b' is bit"}) {
    EXPECT_SAYS(problem, part);
  }
  EXPECT_EQ(problem.find("fine"), std::string::npos) << problem;
}

TEST_F(Postgres, RefusesValuesThatItCannotKeepByRowAndColumn) {
  EXPECT_SAYS(Problem("SELECT d FROM (VALUES ('2024-01-01'::date), ('infinity')) AS v(d)"),
              "row 2, column 'd': infinity, which no date of a dataset is");
  EXPECT_SAYS(Problem("SELECT '-infinity'::timestamp AS t"), "-infinity, which no timestamp");
  EXPECT_SAYS(Problem("SELECT '294270-01-01'::timestamp AS t"), "the year 294247");
  EXPECT_SAYS(Problem("SELECT 'NaN'::numeric(5,2) AS x"), "row 1, column 'x': NaN");
  EXPECT_SAYS(Problem("SELECT 1 AS a, 2 AS a"), "column 'a' stands twice");
}

TEST_F(Postgres, GivesColumnsAndRolesWhereNoRowComes) {
  ASSERT_TRUE(Run("SELECT 1 AS id, 2.5::float8 AS x WHERE false", {{"roles", {{"id", "id"}}}}));
  EXPECT_EQ(Table(), "id:int64 x:float64 ");
  EXPECT_EQ(ResultOf("rows"), "0");
  EXPECT_EQ(ResultOf("columns"), "2");
  EXPECT_SAYS(*ReadFile(folder_ / "_schema.yaml"), "role: id");
  EXPECT_SAYS(Problem("SELECT 1 AS id", {{"roles", {{"x", "id"}}}}), "there is no column 'x'");
  EXPECT_SAYS(Problem("SELECT 1 AS id", {{"roles", {{"id", "ident"}}}}),
              "roles.id: must be one of");
}

TEST_F(Postgres, PutsArgumentsBesideTheQueryNotIntoIt) {
  const auto done =
      Run("SELECT $1::text AS a, $2::int AS b, $3::float8 AS c, $4::bool AS d, "
          "$5::text AS e",
          {{"arguments", {"x'; DROP TABLE t; --", 7, 0.1, true, nullptr}}});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(Table(),
            "a:string b:int64 c:float64 d:bool e:string \nx'; DROP TABLE t; --|7|0.1|true|null|");
  EXPECT_SAYS(Problem("SELECT $1::int AS a"), "SQLSTATE 08P01");
  EXPECT_SAYS(Problem("SELECT $1::int AS a", {{"arguments", {"seven"}}}), "SQLSTATE 22P02");
  EXPECT_SAYS(Problem("SELECT 1 AS a", {{"arguments", {Json::array()}}}), "arguments[0]: must be");
}

TEST_F(Postgres, SaysWhereAQueryIsWrong) {
  EXPECT_SAYS(Problem("SELECT 1 AS a,\n  nothing\nFROM pg_class"),
              "query: SQLSTATE 42703: column \"nothing\" does not exist, at line 2, character 3 "
              "('nothing') of the query");
  EXPECT_SAYS(Problem("SELEC 1"), "SQLSTATE 42601");
  EXPECT_SAYS(Problem("SELECT 1 AS a; SELECT 2 AS b"), "SQLSTATE 42601");
  EXPECT_SAYS(Problem("SELECT * FROM nowhere"), "SQLSTATE 42P01");
  // Found while rows are on their way.
  EXPECT_SAYS(Problem("SELECT 1 / (100 - x) AS a FROM generate_series(1, 200) AS x"),
              "SQLSTATE 22012: division by zero");
  EXPECT_SAYS(Problem(""), "query");
}

TEST_F(Postgres, ChangesNothing) {
  server_->Sql(
      "CREATE TABLE kept (x int); CREATE SEQUENCE counted; CREATE FUNCTION writes() "
      "RETURNS int LANGUAGE sql AS 'INSERT INTO kept VALUES (1) RETURNING x'");
  EXPECT_SAYS(Problem("INSERT INTO kept VALUES (1) RETURNING x"), "SQLSTATE 25006");
  EXPECT_SAYS(Problem("SELECT writes() AS x"), "SQLSTATE 25006");
  EXPECT_SAYS(Problem("SELECT nextval('counted') AS x"), "SQLSTATE 25006");
  EXPECT_SAYS(Problem("INSERT INTO kept VALUES (1)"), "answers no rows");
  EXPECT_SAYS(Problem("DROP TABLE kept"), "answers no rows");
  EXPECT_SAYS(Problem("COMMIT"), "answers no rows");
  EXPECT_EQ(server_->Sql("SELECT count(*) FROM kept"), "0\n");
}

TEST_F(Postgres, SeesOneStateOfTheDatabase) {
  server_->Sql("CREATE TABLE moving (x int); INSERT INTO moving VALUES (1)");
  auto connection = Connection::Open({.text = server_->Address()});
  ASSERT_TRUE(connection) << connection.error().message;
  const auto count = [&] {
    std::string out;
    EXPECT_TRUE((*connection)->Prepare("SELECT count(*) FROM moving"));
    EXPECT_TRUE((*connection)->Execute({}, false, [&](const Row& row) -> Result<void> {
      out = std::string(*row[0]);
      return {};
    }));
    return out;
  };
  EXPECT_EQ(count(), "1");
  server_->Sql("INSERT INTO moving VALUES (2)");
  EXPECT_EQ(count(), "1");
}

TEST_F(Postgres, EndsAQueryThatTakesTooLong) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_SAYS(Problem("SELECT 1 AS a FROM pg_sleep(30)", {{"timeout", "1s"}}),
              "query: the query took longer than the parameter timeout, 1s");
  EXPECT_SAYS(Problem("SELECT x FROM generate_series(1, 2000000000) AS x", {{"timeout", "1s"}}),
              "took longer");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
  EXPECT_SAYS(Problem("SELECT 1 AS a", {{"timeout", "10ms"}}), "timeout: must be a duration");
  // Nothing of it goes on at the server.
  for (int i = 0; i < 100; ++i) {
    if (server_->Sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' "
                     "AND pid <> pg_backend_pid()") == "0\n")
      return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  FAIL() << "the server still works on it";
}

TEST_F(Postgres, HoldsAFewRowsAtATime) {
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  const auto done =
      Run("SELECT x, repeat(md5(x::text), 10) AS t FROM generate_series(1, 800000) "
          "AS x");
  ::getrusage(RUSAGE_SELF, &after);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(ResultOf("rows"), "800000");
  // 260 MB of text.
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 160 * 1024) << "KiB";
}

TEST_F(Postgres, SaysWhatTheServerRefuses) {
  ::setenv("PGPASSWORD", "not this one", 1);
  const std::string wrong = Problem("SELECT 1 AS a");
  EXPECT_SAYS(wrong, "password authentication failed for user \"reader\"");
  EXPECT_EQ(wrong.find("not this one"), std::string::npos);
  ::setenv("PGPASSWORD", PostgresServer::kPassword, 1);
  const auto connection = Connection::Open({.text = server_->Address() + " dbname=none"});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().kind, ErrorKind::kInvalid);  // another try will not help
  EXPECT_SAYS(connection.error().message, "database \"none\" does not exist");
}

TEST_F(Postgres, TakesASecretUrlAndWhatThePublicTextSaysOverIt) {
  ::unsetenv("PGPASSWORD");
  const std::string url =
      "postgresql://reader:pass%20word%251@127.0.0.1:" + std::to_string(server_->port()) +
      "/nowhere";
  ::setenv("DATABASE_URL", url.c_str(), 1);
  EXPECT_SAYS(Problem("SELECT 1 AS a", {{"connection", ""}}), "\"nowhere\" does not exist");
  ASSERT_EQ(Problem("SELECT 1 AS a", {{"connection", "dbname=postgres"}}), "");
}

TEST_F(Postgres, ProvesTheServersCertificateWhereAsked) {
  ::setenv("PGSSLROOTCERT", server_->certificate().c_str(), 1);  // PEM, as a Secret's key has it
  ASSERT_EQ(Problem("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
                    {{"connection", server_->Address() + " sslmode=verify-full"}}),
            "");
  EXPECT_EQ(Table(), "ssl:bool version:string \ntrue|TLSv1.3|");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "tmp/postgres.files"));
  ::setenv("PGSSLROOTCERT", net::MakeFakeIdentity().certificate_pem.c_str(), 1);
  EXPECT_SAYS(OpenProblem(" sslmode=verify-full"), "certificate verify failed");
  EXPECT_SAYS(OpenProblem(" sslmode=allways"), "sslmode");
}

TEST_F(Postgres, SaysThatTheConnectionBroke) {
  auto connection = Connection::Open({.text = server_->Address()});
  ASSERT_TRUE(connection);
  ASSERT_TRUE((*connection)->Prepare("SELECT x FROM generate_series(1, 100000000) AS x"));
  bool killed = false;
  const auto end = (*connection)->Execute({}, true, [&](const Row&) -> Result<void> {
    if (!killed) {
      server_->Sql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE "
          "'%100000000%' AND pid <> pg_backend_pid()");
    }
    killed = true;
    return {};
  });
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, ErrorKind::kTransient) << end.error().message;
}

TEST_F(Postgres, IsNotReusedUnlessAVersionIsGiven) {
  const std::string file = folder_ / "not-reusable";
  const auto run = [&](const std::map<std::string, sdk::StepInput>& inputs) {
    ::setenv("PENSTOCK_NOT_REUSABLE", file.c_str(), 1);
    auto step = sdk::Step::FromEnvironment();
    EXPECT_TRUE(step);
    std::vector<std::string> words = {"--parameter", "query=SELECT 1 AS a",
                                      "--parameter", "connection=" + server_->Address(),
                                      "--output",    "dataset=" + (folder_ / "out")};
    for (const auto& [name, input] : inputs) {
      words.insert(words.end(), {"--input", name + "=" + input.path});
    }
    EXPECT_TRUE(step->AddArguments(words));
    const auto done = RunPostgres(*step);
    ::unsetenv("PENSTOCK_NOT_REUSABLE");
    EXPECT_TRUE(done) << done.error().message;
    return std::filesystem::exists(file);
  };
  EXPECT_FALSE(run({{"version", {folder_.path(), "", "file"}}}));
  EXPECT_TRUE(run({}));
  EXPECT_SAYS(*ReadFile(file), "it reads a database");
}

TEST_F(Postgres, HoldsTheAnswerAgainstAGivenSchema) {
  std::ofstream(folder_ / "s.yaml")
      << "version: 1\ncolumns:\n- {name: a, type: int64, nullable: false}\n";
  const std::map<std::string, sdk::StepInput> schema = {{"schema", {folder_ / "s.yaml", "", ""}}};
  EXPECT_TRUE(Run("SELECT 1 AS a", {}, schema));
  EXPECT_SAYS(Run("SELECT 1 AS a, 2 AS b", {}, schema).error().message, "'b'");
  EXPECT_SAYS(Run("SELECT NULL::int AS a", {}, schema).error().message, "row 1: null");
}

}  // namespace
}  // namespace penstock::postgres
