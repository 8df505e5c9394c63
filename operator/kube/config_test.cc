#include "operator/kube/config.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "operator/base/json.h"

namespace penstock::kube {
namespace {

namespace fs = std::filesystem;

class Config : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("penstock-config-" + std::to_string(getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path Write(const std::string& name, const std::string& content) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
    return path;
  }

  fs::path folder_;
};

const char* const kFirst = R"(
apiVersion: v1
kind: Config
clusters:
- name: shared
  cluster: {server: "https://first:6443", certificate-authority: pki/ca.crt}
users:
- name: me
  user: {client-certificate: pki/me.crt, client-key: pki/me.key}
contexts:
- name: one
  context: {cluster: shared, user: me, namespace: team}
)";

const char* const kSecond = R"(
clusters:
- name: shared
  cluster: {server: "https://second:6443"}
- name: other
  cluster: {server: "https://other:6443", insecure-skip-tls-verify: true, tls-server-name: kube}
users:
- name: robot
  user: {tokenFile: tokens/robot}
contexts:
- name: two
  context: {cluster: other, user: robot}
current-context: two
)";

TEST_F(Config, TheFirstFileWinsPerNameAndPathsBelongToTheirFile) {
  const auto a = Write("a/config", kFirst);
  const auto b = Write("b/config", kSecond);
  Surroundings s;
  s.env["KUBECONFIG"] = a.string() + ":" + (folder_ / "missing").string() + ":" + b.string();
  auto two = LoadConfig({}, s);
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(two->context, "two");
  EXPECT_EQ(two->server, "https://other:6443");
  EXPECT_TRUE(two->insecure);
  EXPECT_EQ(two->tls_server_name, "kube");
  EXPECT_EQ(two->namespace_, "default");
  EXPECT_EQ(two->token.file, (folder_ / "b/tokens/robot").string());

  auto one = LoadConfig({.kubeconfig = "", .context = "one"}, s);
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->server, "https://first:6443");
  EXPECT_EQ(one->ca.file, (folder_ / "a/pki/ca.crt").string());
  EXPECT_EQ(one->certificate.file, (folder_ / "a/pki/me.crt").string());
  EXPECT_EQ(one->key.file, (folder_ / "a/pki/me.key").string());
  EXPECT_EQ(one->namespace_, "team");
}

TEST_F(Config, AnExplicitFileMustExistAndExcludesTheOthers) {
  Surroundings s;
  s.env["KUBECONFIG"] = Write("config", kSecond).string();
  const auto missing = LoadConfig({.kubeconfig = (folder_ / "none").string(), .context = ""}, s);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("none"), std::string::npos);
  const auto first = Write("first", kFirst);
  const auto chosen = LoadConfig({.kubeconfig = first.string(), .context = "one"}, s);
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->server, "https://first:6443");
  EXPECT_FALSE(LoadConfig({.kubeconfig = first.string(), .context = ""}, s))
      << "no current context";
}

TEST_F(Config, AKubeconfigThatCannotBeLookedAtIsNotAbsent) {
  const fs::path circle = folder_ / "circle";
  fs::create_symlink("circle", circle);
  Surroundings s;
  s.env["KUBECONFIG"] = circle.string() + ":" + Write("config", kSecond).string();
  Surroundings home;
  home.env["HOME"] = folder_;
  fs::create_directories(folder_ / ".kube");
  fs::create_symlink("config", folder_ / ".kube" / "config");
  Surroundings pod;
  pod.env = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  pod.service_account = circle;
  LoadOptions explicit_file;
  explicit_file.kubeconfig = circle;
  for (const auto& config : {LoadConfig({}, s), LoadConfig({}, home), LoadConfig({}, pod),
                             LoadConfig(explicit_file, {})}) {
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().message.find("looking at " + folder_.string()), std::string::npos)
        << config.error().message;
  }
}

TEST_F(Config, TheHomeFolderComesBeforeThePod) {
  Write(".kube/config", kSecond);
  Surroundings s;
  s.env = {{"HOME", folder_.string()},
           {"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
           {"KUBERNETES_SERVICE_PORT", "443"}};
  const auto config = LoadConfig({}, s);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://other:6443");
}

TEST_F(Config, APodUsesItsServiceAccount) {
  Surroundings s;
  s.service_account = folder_;
  s.env = {{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  const auto bare = LoadConfig({}, s);
  ASSERT_FALSE(bare);
  EXPECT_NE(bare.error().message.find("automountServiceAccountToken"), std::string::npos);
  Write("token", "t");
  Write("ca.crt", "c");
  Write("namespace", "team");
  const auto config = LoadConfig({}, s);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->token.file, (folder_ / "token").string());
  EXPECT_EQ(config->ca.file, (folder_ / "ca.crt").string());
  EXPECT_EQ(config->namespace_, "team");
}

TEST_F(Config, APodPassesTheProxyOfItsEnvironmentUnlessItsServerIsExcepted) {
  Surroundings s;
  s.service_account = folder_;
  Write("token", "t");
  s.env = {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
           {"KUBERNETES_SERVICE_PORT", "443"},
           {"HTTPS_PROXY", "http://proxy.example:3128"}};
  const auto through = LoadConfig({}, s);
  ASSERT_TRUE(through) << through.error().message;
  ASSERT_TRUE(through->proxy);
  EXPECT_EQ(through->proxy->url.host, "proxy.example");
  s.env["NO_PROXY"] = "10.96.0.0/12";
  const auto direct = LoadConfig({}, s);
  ASSERT_TRUE(direct) << direct.error().message;
  EXPECT_FALSE(direct->proxy);
  s.env["HTTPS_PROXY"] = "socks5://proxy.example:1080";
  EXPECT_TRUE(LoadConfig({}, s)) << "it is not used";
  s.env.erase("NO_PROXY");
  EXPECT_FALSE(LoadConfig({}, s));
}

TEST_F(Config, DataWinsOverFilesAndIsDecoded) {
  const auto file = Write("config", R"(
clusters: [{name: c, cluster: {server: "https://x", certificate-authority: no, certificate-authority-data: aGVsbG8=}}]
users: [{name: u, user: {token: secret, username: a, password: b}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
)");
  const auto config = LoadKubeconfigs({file}, "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config->ca.Load(), "hello");
  EXPECT_EQ(config->token.token, "secret");
  EXPECT_EQ(config->basic_auth, "a:b");
}

TEST_F(Config, NamesWhatIsWrong) {
  const struct {
    const char* text;
    const char* says;
  } cases[] = {
      {"[", "config"},
      {"a", "not a map"},
      {"current-context: x", "context \"x\""},
      {"contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x", "cluster \"c\""},
      {"clusters: [{name: c, cluster: {insecure-skip-tls-verify: true}}]\ncontexts: [{name: x, "
       "context: {cluster: c}}]\n"
       "current-context: x",
       "server is missing"},
      {"clusters: [{name: c, cluster: {server: s, certificate-authority-data: '!'}}]\n"
       "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x",
       "base64"},
      {"clusters: [{name: c, cluster: {server: s}}]\n"
       "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x",
       "user \"u\""},
      {"clusters: [{name: c, cluster: {server: s}}]\nusers: [{name: u, user: {client-key: k}}]\n"
       "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x",
       "belong together"},
      {"clusters: [{name: c, cluster: {server: s}}]\nusers: [{name: u, user: {exec: {command: k}}}]"
       "\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x",
       "exec.apiVersion"},
  };
  for (const auto& c : cases) {
    const auto config = LoadKubeconfigs({Write("config", c.text)}, "");
    ASSERT_FALSE(config) << c.text;
    EXPECT_EQ(config.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(config.error().message.find(c.says), std::string::npos)
        << c.text << " -> " << config.error().message;
  }
}

// --- credentials

class FakeClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override {
    return TimePoint(std::chrono::hours(500'000)) + passed;
  }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::hours(1)) + passed;
  }
  std::chrono::seconds passed{0};
};

TEST_F(Config, ATokenFileIsReadAgainEachMinuteAndAFailureKeepsTheOldToken) {
  FakeClock clock;
  const auto file = Write("token", "one\n");
  TokenSource source({.token = "", .file = file.string(), .exec = {}}, clock);
  EXPECT_EQ(*source.Token(), "one");
  Write("token", "two");
  clock.passed = std::chrono::seconds(59);
  EXPECT_EQ(*source.Token(), "one");
  clock.passed = std::chrono::seconds(61);
  EXPECT_EQ(*source.Token(), "two");
  fs::remove(file);
  clock.passed = std::chrono::seconds(130);
  EXPECT_EQ(*source.Token(), "two");
  Write("token", "three");
  EXPECT_TRUE(source.Invalidate());
  EXPECT_EQ(*source.Token(), "three");
}

TEST_F(Config, AMissingTokenFileIsAnErrorThatNamesIt) {
  FakeClock clock;
  TokenSource source({.token = "", .file = (folder_ / "none").string(), .exec = {}}, clock);
  const auto token = source.Token();
  ASSERT_FALSE(token);
  EXPECT_NE(token.error().message.find("none"), std::string::npos);
}

ExecPlugin Shell(const std::string& script) {
  ExecPlugin plugin;
  plugin.command = "/bin/sh";
  plugin.args = {"-c", script};
  plugin.env = {{"WHO", "me"}};
  plugin.api_version = "client.authentication.k8s.io/v1";
  plugin.install_hint = "install it";
  return plugin;
}

std::string Credential(const std::string& status) {
  return R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" +
         status + "}'";
}

TEST_F(Config, APluginRunsAgainShortlyBeforeItsCredentialExpires) {
  FakeClock clock;
  const std::string count = (folder_ / "count").string();
  const std::string script =
      "echo x >> " + count + "; " +
      Credential(R"({"token":"'$WHO-$(wc -l < )" + count + R"()'","expirationTimestamp":")" +
                 FormatTime(clock.Now() + std::chrono::minutes(5)) + "\"}");
  TokenSource source({.token = "", .file = "", .exec = Shell(script)}, clock);
  EXPECT_EQ(*source.Token(), "me-1");
  clock.passed = std::chrono::seconds(280);
  EXPECT_EQ(*source.Token(), "me-1");
  clock.passed = std::chrono::seconds(295);
  EXPECT_EQ(*source.Token(), "me-2");
}

TEST_F(Config, APluginIsToldItsApiVersionAndThatNobodyAnswersQuestions) {
  const auto answer =
      RunExecPlugin(Shell("read x; echo \"$KUBERNETES_EXEC_INFO\" > " +
                          (folder_ / "info").string() + "; " + Credential(R"({"token":"t"})")),
                    std::chrono::seconds(10));
  ASSERT_TRUE(answer) << answer.error().message;
  std::ifstream file(folder_ / "info");
  const Json info = Json::parse(file);
  EXPECT_EQ(info["kind"], "ExecCredential");
  EXPECT_EQ(info["spec"]["interactive"], false);
}

TEST_F(Config, APluginThatFailsSaysWhy) {
  const struct {
    std::string script;
    const char* says;
  } cases[] = {
      {"echo not today >&2; exit 3", "not today"},
      {"echo hello", "ExecCredential"},
      {Credential("{}"), "neither"},
      {Credential(R"({"clientCertificateData":"x"})"), "without key"},
      {Credential(R"({"token":7})"), "wrong type"},
      {Credential(R"({"token":"t","expirationTimestamp":"soon"})"), "expirationTimestamp"},
      {"exec sleep 600", "in time"},
  };
  for (const auto& c : cases) {
    const auto answer = RunExecPlugin(Shell(c.script), std::chrono::milliseconds(1500));
    ASSERT_FALSE(answer) << c.script;
    EXPECT_EQ(answer.error().kind, ErrorKind::kForbidden);
    EXPECT_NE(answer.error().message.find(c.says), std::string::npos) << answer.error().message;
    EXPECT_NE(answer.error().message.find("install it"), std::string::npos);
  }
  ExecPlugin missing = Shell("");
  missing.command = "no-such-plugin-anywhere";
  EXPECT_FALSE(RunExecPlugin(missing, std::chrono::seconds(1)));
}

}  // namespace
}  // namespace penstock::kube
