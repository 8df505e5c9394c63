// Inputs that are URIs, asked for by path: the real launcher and servers that misbehave.
#include <sys/stat.h>

#include <array>
#include <fstream>

#include "components/launcher/source_fetch.h"
#include "components/launcher/testing/launcher_fixture.h"
#include "operator/artifacts/manifest.h"
#include "operator/base/sha256.h"
#include "operator/net/testing/fake_server.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::launcher {
namespace {

namespace fs = std::filesystem;
using net::FakeConnection;
using net::FakeServer;

class SourceTest : public LauncherTest {
 protected:
  // A step that prints the input `data`, whose URI it is.
  [[nodiscard]] TaskDocument Cat(const std::string& uri) const {
    TaskDocument t = Script("cat \"$0\"; stat -c %a \"$0\"");
    t.command.emplace_back("$(inputs.data.path)");
    t.inputs = {{"data", "file", std::nullopt, uri, "as the operator saw it"}};
    return t;
  }
};

TEST_F(SourceTest, FollowsARedirectAndRecordsWhatItRead) {
  FakeServer server([](FakeConnection& c) {
    const std::string request = c.ReadRequest();
    if (Has(request, "GET /old"))
      c.Answer(302, "", "Location: new.csv?b=2\r\n");
    else if (Has(request, "GET /new.csv?b=2 "))
      c.Answer(200, "a,b\n", "ETag: \"7\"\r\n");
  });
  const auto m = Run(Cat(server.url() + "/old?a=1"));
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "a,b\n444\n");
  EXPECT_EQ(m.receipt->input_fingerprints.at("data"), "etag:\"7\" length:4");
  EXPECT_EQ(m.receipt->input_digests.at("data"), "sha256:" + Sha256Hex("a,b\n"));
  const Json inputs = Json::parse(Read(Work("inputs.json")));
  EXPECT_EQ(inputs["data"]["path"], Work("inputs/data").string());
}

TEST_F(SourceTest, WithoutAnETagTheDigestIsTheFingerprint) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, "x");
  });
  const auto m = Run(Cat(server.url()));
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(m.receipt->input_fingerprints.at("data"), "sha256:" + Sha256Hex("x"));
}

TEST_F(SourceTest, A404NamesInputAndUriWithoutItsQueryAndIsNotTriedAgain) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(404, "no");
  });
  const auto m = Run(Cat(server.url() + "/gone.csv?signature=s3cret"));
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(
      Has(m.message, "input 'data': " + server.url() + "/gone.csv: the server answered 404"))
      << m.message;
  EXPECT_FALSE(Has(m.message + Read(dir_ / "output"), "s3cret")) << m.message;
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(SourceTest, ABodyThatWasCutShortIsFetchedAgainFromItsStart) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    if (c.index() > 0) return c.Answer(200, "0123456789");
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123");
  });
  const auto m = Run(Cat(server.url()));
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "0123456789444\n");
}

TEST_F(SourceTest, AServerThatKeepsFailingIsNotTheStepsFault) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(503, "");
  });
  const auto m = Run(Cat(server.url()));
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(Has(m.message, "the server answered 503")) << m.message;
  EXPECT_GE(server.connections(), 3);
}

TEST_F(SourceTest, ACompressedAnswerToAPlainQuestionIsRefused) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, "zzz", "Content-Encoding: gzip\r\n");
  });
  EXPECT_EQ(Run(Cat(server.url())).outcome, TaskOutcome::kInvalid);
}

TEST_F(SourceTest, VerifiesTheServersCertificateByTheStepsOwnAuthorities) {
  const net::FakeIdentity identity = net::MakeFakeIdentity();
  FakeServer server(
      [](FakeConnection& c) {
        if (!c.good()) return;
        c.ReadRequest();
        c.Answer(200, "safe");
      },
      &identity);
  TaskDocument t = Cat(server.url());
  auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(Has(m.message, "is not trusted")) << m.message;

  std::ofstream(dir_ / "roots.pem") << identity.certificate_pem;
  t.env = {{"SSL_CERT_FILE", (dir_ / "roots.pem").string()}};
  m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "safe444\n");
}

TEST_F(SourceTest, TrustsTheCertificatesOfAFolderAndExpandsWhatNamesThem) {
  const net::FakeIdentity identity = net::MakeFakeIdentity();
  FakeServer server(
      [](FakeConnection& c) {
        if (!c.good()) return;
        c.ReadRequest();
        c.Answer(200, "safe");
      },
      &identity);
  fs::create_directories(dir_ / "roots");
  std::ofstream(dir_ / "roots" / "README") << "no certificate\n";
  std::ofstream(dir_ / "roots" / "ours.pem") << identity.certificate_pem;
  fs::create_symlink("ours.pem", dir_ / "roots" / "0a1b2c3d.0");
  TaskDocument t = Cat(server.url());
  t.parameters = {{"roots", "roots"}};
  t.env = {{"SSL_CERT_DIR", dir_.string() + "/in:" + dir_.string() + "/$(parameters.roots)"}};
  const auto m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "safe444\n");
}

TEST_F(SourceTest, SaysThatATildeIsNotExpandedAndThatAFileIsNoCertificate) {
  std::ofstream(dir_ / "in" / "a.csv") << "1\n";
  for (const auto& [name, value, said] : std::vector<std::array<std::string, 3>>{
           {"SSL_CERT_FILE", "~/ca.pem", "SSL_CERT_FILE is '~/ca.pem', which is no absolute path"},
           {"SSL_CERT_DIR", "$HOME/certs", "SSL_CERT_DIR is '$HOME/certs', which is no absolute"},
           {"SSL_CERT_FILE", "/no/such.pem", "SSL_CERT_FILE: opening /no/such.pem"},
           {"SSL_CERT_DIR", "/no/such", "SSL_CERT_DIR: /no/such"},
           {"SSL_CERT_FILE", (dir_ / "in/a.csv").string(), "holds no certificate in PEM"}}) {
    TaskDocument t = Cat("https://127.0.0.1:1/x");
    t.env = {{name, value}};
    const auto m = Run(t);
    EXPECT_EQ(m.outcome, TaskOutcome::kInvalid) << m.message;
    EXPECT_TRUE(Has(m.message, said)) << m.message;
  }
}

TEST_F(SourceTest, ABodyThatHardlyComesOnIsGivenUpAndTriedAgain) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    if (c.index() > 0) return c.Answer(404, "");
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    for (int i = 0; i < 20'000; ++i) c.Send(std::string(1000, 'x'));
    c.WaitClosed();
  });
  SourceOptions options;
  options.least = {1ULL << 40, std::chrono::milliseconds(1)};
  const auto fetched = FetchSource(server.url() + "/x", dir_ / "slow", options);
  ASSERT_FALSE(fetched);
  EXPECT_TRUE(Has(fetched.error().message, "answered 404")) << fetched.error().message;
  EXPECT_EQ(server.connections(), 2) << "the first was not given up";

  options.deadline = std::chrono::milliseconds(0);
  FakeServer slow([](FakeConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    for (int i = 0; i < 20'000; ++i) c.Send(std::string(1000, 'x'));
    c.WaitClosed();
  });
  const auto given_up = FetchSource(slow.url() + "/x", dir_ / "slow", options);
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().kind, ErrorKind::kTransient);
  EXPECT_TRUE(Has(given_up.error().message, "the server sends less than 1099511627776 bytes in"))
      << given_up.error().message;
}

TEST_F(SourceTest, AnObjectThatHardlyComesOnIsGivenUp) {
  FakeServer store([](FakeConnection& c) {
    c.ReadRequest();
    if (c.index() > 0) return c.Answer(404, "");
    c.Send("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 100000000\r\n\r\n");
    for (int i = 0; i < 20'000; ++i) c.Send(std::string(1000, 'x'));
    c.WaitClosed();
  });
  SourceOptions options;
  options.environment = {{"AWS_ENDPOINT_URL", store.url()}};
  options.least = {1ULL << 40, std::chrono::milliseconds(1)};
  const auto fetched = FetchSource("s3://bucket/x", dir_ / "slow", options);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().kind, ErrorKind::kNotFound) << fetched.error().message;
  EXPECT_GE(store.connections(), 2) << "the first was not given up";
}

TEST_F(SourceTest, ReadsAFileWhoseUriHasEscapesOrNamesThisMachine) {
  std::ofstream(dir_ / "in" / "a b.csv") << "1\n";
  for (const char* host : {"", "localhost"}) {
    const auto m = Run(Cat("file://" + std::string(host) + (dir_ / "in/a%20b.csv").string()));
    ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
    EXPECT_EQ(Read(dir_ / "output"), "1\n444\n");
  }
}

TEST_F(SourceTest, CopiesAFileOrAFolderOfThisMachine) {
  std::ofstream(dir_ / "in" / "a.csv") << "1\n";
  auto m = Run(Cat("file://" + (dir_ / "in/a.csv").string()));
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "1\n444\n");
  EXPECT_EQ(m.receipt->input_fingerprints.at("data"), "sha256:" + Sha256Hex("1\n"));

  TaskDocument t = Cat("file://" + (dir_ / "in").string());
  t.command[2] = "cat $0/a.csv";
  m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(m.receipt->input_fingerprints.at("data"),
            artifacts::ContentFingerprint(dir_ / "in").value());
  EXPECT_EQ(m.receipt->input_digests.at("data"), store_.Put("ns", dir_ / "in")->digest);
}

TEST_F(SourceTest, NamesAFileThatIsNotThereAndASchemeThatIsNotFetched) {
  auto m = Run(Cat("file:///no/such/file"));
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "input 'data': file:///no/such/file: there is no such file"))
      << m.message;
  m = Run(Cat("ftp://host/x"));
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "is not fetched: there are file://, http://")) << m.message;
}

class S3SourceTest : public SourceTest {
 protected:
  // With the variables that a Secret gives a step.
  [[nodiscard]] TaskDocument CatObject(const std::string& uri) const {
    TaskDocument t = Cat(uri);
    t.env = {{"AWS_ENDPOINT_URL", bucket_.settings().endpoint},
             {"AWS_ACCESS_KEY_ID", s3::FakeS3::keys().access_key},
             {"AWS_SECRET_ACCESS_KEY", s3::FakeS3::keys().secret_key}};
    return t;
  }
  s3::FakeS3 bucket_;
};

TEST_F(S3SourceTest, AnObjectIsAFileAndAPrefixAFolder) {
  bucket_.SetBytes("in/a.csv", "1\n");
  bucket_.SetBytes("in/deep/b.csv", "2\n");
  auto m = Run(CatObject("s3://models/in/a.csv"));
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "1\n444\n");
  EXPECT_TRUE(Has(m.receipt->input_fingerprints.at("data"), "etag:\""));
  EXPECT_EQ(m.receipt->input_digests.at("data"), "sha256:" + Sha256Hex("1\n"));

  TaskDocument t = CatObject("s3://models/in/");
  t.command[2] = "cat $0/a.csv $0/deep/b.csv";
  m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "1\n2\n");
  EXPECT_TRUE(Has(m.receipt->input_fingerprints.at("data"), "objects:"));
}

TEST_F(S3SourceTest, SpansOfTimeAreAFolderByDate) {
  for (const char* day : {"06", "07", "08"})
    bucket_.SetBytes(std::string("in/2026/01/") + day + "/a.csv", std::string(day) + "\n");
  TaskDocument t = CatObject("s3://models/in/{YYYY}/{MM}/{DD}/?window=2d&to=2026-01-08");
  t.command[2] = "cd $0 && cat */*/*/*";
  const auto m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "06\n07\n");
  EXPECT_TRUE(Has(m.receipt->input_fingerprints.at("data"), "objects:"));
  t = CatObject("s3://models/in/{YYYY}/{MM}/{DD}/?window=4d&to=2026-01-08");
  EXPECT_TRUE(Has(Run(t).message, "2 of the 4 spans of the window, 2026-01-04 to 2026-01-07"));
}

TEST_F(S3SourceTest, SpansOfTimeOfAFolderAreWhatABucketsAre) {
  for (const char* day : {"06", "07", "08"}) {
    const std::filesystem::path folder = dir_ / "days/2026/01" / day;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "a.csv") << day << "\n";
  }
  TaskDocument t = CatObject("file://" + (dir_ / "days").string() +
                             "/{YYYY}/{MM}/{DD}/?window=2d&to=2026-01-08");
  t.command[2] = "cd $0 && cat */*/*/*";
  const auto m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(Read(dir_ / "output"), "06\n07\n");
  EXPECT_TRUE(Has(m.receipt->input_fingerprints.at("data"), "objects:"));
}

TEST_F(S3SourceTest, SaysWhatTheStoreRefused) {
  bucket_.SetBytes("k", "1\n");
  TaskDocument t = CatObject("s3://models/k");
  t.env.resize(1);
  const auto m = Run(t);
  EXPECT_NE(m.outcome, TaskOutcome::kSucceeded);
  EXPECT_TRUE(Has(m.message, "input 'data': s3://models/k: GET s3://models/k: the store answered"))
      << m.message;
  EXPECT_TRUE(Has(m.message, "it was asked without keys")) << m.message;
}

TEST_F(SourceTest, AUriThatIsNotAskedForByPathIsLeftToTheProgram) {
  TaskDocument t = Script("echo $0");
  t.command.emplace_back("$(inputs.data.uri)");
  t.inputs = {{"data", "", std::nullopt, "https://127.0.0.1:1/x", ""}};
  const auto m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_FALSE(fs::exists(Work("inputs/data")));
}

}  // namespace
}  // namespace penstock::launcher
