// Two of the whole program on one folder and one PostgreSQL server: one leads, both are read from,
// and when the leader dies the other takes over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <thread>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/main/testing/fake_api_server.h"
#include "operator/metadata/postgres/testing/postgres_server.h"
#include "operator/net/http_client.h"
#include "operator/net/url.h"
#include "operator/os/child_process.h"

namespace penstock::main {
namespace {

namespace fs = std::filesystem;
using metadata::PostgresServer;
using ::testing::HasSubstr;

class Replicas : public ::testing::Test {
 protected:
  Replicas() {
    std::string name = (fs::temp_directory_path() / "penstock-replicas-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::ofstream(folder_ / "kubeconfig")
        << "clusters: [{name: c, cluster: {server: '" << api_.url() << "'}}]\n"
        << "contexts: [{name: x, context: {cluster: c, namespace: system}}]\n"
        << "current-context: x\n";
  }
  ~Replicas() override {
    if (HasFailure())
      for (const char* log : {"log-a", "log-b"})
        std::cerr << log << ":\n" << ReadFile(folder_ / log).value_or("none") << "\n";
    static_cast<void>(artifacts::RemoveTree(folder_));
  }
  void SetUp() override {
    std::string why_not;
    postgres_ = PostgresServer::Start(why_not);
    if (postgres_ == nullptr) GTEST_SKIP() << why_not;
    std::ofstream(folder_ / "url") << "postgresql://" << PostgresServer::kUser << ":"
                                   << net::UrlEncode(PostgresServer::kPassword)
                                   << "@127.0.0.1:" << postgres_->port() << "/postgres\n";
    std::ofstream(folder_ / "ca.pem") << postgres_->certificate();
  }

  ChildProcess Start(const std::string& name) {
    ChildOptions options;
    options.argv = {PENSTOCK_OPERATOR,
                    "--leader-elect",
                    "--data-dir",
                    (folder_ / "data").string(),
                    "--kubeconfig",
                    (folder_ / "kubeconfig").string(),
                    "--metadata-postgres",
                    (folder_ / "url").string(),
                    "--metadata-postgres-ca",
                    (folder_ / "ca.pem").string(),
                    "--gateway-address",
                    "127.0.0.1",
                    "--gateway-port",
                    "0",
                    "--metrics-port",
                    "0",
                    "--gateway-url",
                    "https://127.0.0.1:8443",
                    "--launcher-image",
                    "penstock/launcher:test",
                    "--serve-image",
                    "penstock/serve:test",
                    "--components-image",
                    "penstock/components:test",
                    "--git-image",
                    "penstock/git:test"};
    options.log = folder_ / name;
    return *ChildProcess::Start(options);
  }
  // Tries for so long.
  static bool Await(const std::function<bool()>& done, std::chrono::seconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!done()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }
  bool Leads(const std::string& name) {
    const std::string log = ReadFile(folder_ / name).value_or("");
    std::smatch found;
    return std::regex_search(log, found, std::regex("leading as ([^ \"]+)")) &&
           api_.Holder() == found[1];
  }
  // What its gateway answers to somebody with a token; "" while there is none.
  std::string Ask(const std::string& name, const std::string& target) {
    const std::string log = ReadFile(folder_ / name).value_or("");
    std::smatch found;
    if (!std::regex_search(log, found, std::regex("the gateway listens on port ([0-9]+)")))
      return "";
    net::HttpClientOptions options;
    options.tls.ca_pem = authority();
    const auto client = net::HttpClient::Make("https://127.0.0.1:" + found[1].str(), options);
    net::HttpRequest request;
    request.target = target;
    request.headers = {{"Authorization", "Bearer t"}};
    const auto answer = (*client)->Send(request, {});
    if (!answer) return answer.error().message;
    return std::to_string(answer->status) + " " + answer->body;
  }
  std::string authority() const {
    const std::string text = ReadFile(folder_ / "data/certificates/ca.pem").value_or("");
    const auto begin = text.find("-----BEGIN CERTIFICATE");  // behind its key
    return begin == std::string::npos ? "" : text.substr(begin);
  }

  FakeApiServer api_;
  fs::path folder_;
  std::unique_ptr<PostgresServer> postgres_;
};

TEST_F(Replicas, BothAreReadFromAndOneTakesOverWithinSecondsOfTheOthersDeath) {
  auto a = Start("log-a"), b = Start("log-b");
  const std::string runs = "/api/v1/namespaces/team/runs";
  for (const char* name : {"log-a", "log-b"})
    EXPECT_TRUE(Await([&] { return Ask(name, runs).find("\"far\"") != std::string::npos; },
                      std::chrono::seconds(60)))
        << name << ": " << Ask(name, runs);
  const bool a_leads = Leads("log-a");
  ASSERT_NE(a_leads, Leads("log-b")) << api_.Holder();
  ChildProcess& leader = a_leads ? a : b;
  const std::string other = a_leads ? "log-b" : "log-a";
  leader.KillAll();
  const auto died = std::chrono::steady_clock::now();
  EXPECT_THAT(Ask(other, runs), HasSubstr("\"far\"")) << "reading waits for no leader";
  EXPECT_TRUE(Await([&] { return Leads(other); }, std::chrono::seconds(25)));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - died;
  RecordProperty("takeover_seconds", std::to_string(took.count()));
  EXPECT_THAT(Ask(other, runs), HasSubstr("\"far\""));
}

}  // namespace
}  // namespace penstock::main
