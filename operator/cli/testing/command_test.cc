// What holds for every command: how errors read, exit codes, and what needs no cluster.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <thread>

#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/objects/table.h"
#include "operator/cli/testing/cli_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

// The commands with something that each has to refuse.
const std::vector<std::vector<std::string>> kRefused = {
    {"run", "missing.yaml"},
    {"run", "words", "--cluster"},
    {"validate", "missing.yaml"},
    {"serve", "nothing"},
    {"predict", "-i", "{}", "--url", "http://127.0.0.1:1", "--model", "m"},
    {"get", "runs"},
    {"logs", "nothing"},
    {"describe", "nothing"},
    {"diff", "one", "two"},
    {"cancel", "nothing"},
    {"debug", "nothing", "step", "--local"},
    {"artifact", "put", "missing"},
    {"artifact", "get", "nothing", "copy"},
    {"artifact", "ls"},
    {"artifact", "predictions", "nothing", "copy"},
    {"look", "nothing"},
    {"model", "digest", "nothing"},
    {"apply", "missing.yaml"},
    {"completion", "csh"},
};

TEST_F(CliTest, EveryRejectionEndsWithACodeAndBeginsWithTheReason) {
  for (const auto& words : kRefused) {
    local::RemoveFolder(folder_ / ".penstock");  // `run` has made one
    const int code = Penstock(words);
    EXPECT_NE(code, kOk) << words[0];
    const std::string first = err_.str().substr(0, err_.str().find('\n'));
    EXPECT_TRUE(first.starts_with("error: ") || first.starts_with("missing.yaml: "))
        << words[0] << " said: " << err_.str();
    EXPECT_EQ(out_.str(), "") << words[0];
  }
}

TEST_F(CliTest, RunOfAPipelinesNameSaysHowItIsRunOnTheCluster) {
  EXPECT_EQ(Penstock({"run", "flights"}), kInvalidSpec);
  EXPECT_EQ(err_.str(),
            "error: there is no file or folder flights here; `penstock run flights --cluster` runs "
            "the Pipeline of that name there\n");
}

TEST_F(CliTest, WrongUsageIsToldBeforeTheHintToTheHelp) {
  EXPECT_EQ(Penstock({"logs"}), kUsage);
  EXPECT_TRUE(err_.str().starts_with("run is required\n")) << err_.str();
  EXPECT_EQ(Penstock({"get", "runs", "--colour"}), kUsage);
  EXPECT_NE(err_.str().find("--colour"), std::string::npos);
}

TEST_F(CliTest, AMistypedCommandIsNamedWithTheOneThatWasMeant) {
  EXPECT_EQ(Penstock({"-n", "team", "validat", "file.yaml"}), kUsage);
  EXPECT_EQ(err_.str(),
            "error: \"validat\" is no command of penstock; did you mean \"validate\"? "
            "(penstock --help lists them)\n");
  EXPECT_EQ(Penstock({"artifact", "list"}), kUsage);
  EXPECT_EQ(err_.str(),
            "error: \"list\" is no command of penstock artifact; did you mean \"ls\"? (penstock "
            "artifact --help lists them)\n");
  EXPECT_EQ(Penstock({"store", "-n", "team", "gc", "--bogus"}), kUsage);
  EXPECT_EQ(err_.str().find("is no command"), std::string::npos)
      << "team is a flag's value: " << err_.str();
  EXPECT_EQ(Penstock({"--help"}), kOk);
  EXPECT_EQ(Penstock({}), kUsage);
  EXPECT_NE(err_.str().find("subcommand is required"), std::string::npos) << err_.str();
}

TEST_F(CliTest, TheHelpHasOneTableOfExitCodes) {
  EXPECT_EQ(Penstock({"--help"}), kOk);
  for (const char* line : {"  0  ", "  1  ", "  2  ", "  3  "}) {
    EXPECT_NE(out_.str().find(line), std::string::npos) << out_.str();
  }
}

TEST_F(CliTest, KubectlIsToldWhichWordsMayFollow) {
  const auto complete = [this](std::vector<const char*> words) {
    out_.str("");
    words.insert(words.begin(), "kubectl_complete-penstock");
    EXPECT_EQ(CompleteWords(static_cast<int>(words.size()), words.data(), session_), kOk);
    return out_.str();
  };
  EXPECT_EQ(complete({"des"}), "describe\n:4\n");
  EXPECT_EQ(complete({"get", "ru"}), "runs\n:4\n");
  EXPECT_EQ(complete({"-n", "team", "artifact", "ge"}), "get\n:4\n");
  EXPECT_EQ(complete({"get", "runs", "--no-h"}), "--no-headers\n:4\n");
  EXPECT_EQ(complete({"validate", ""}), ":0\n") << "a file";
  ASSERT_TRUE(State(folder_ / ".penstock").Create());
  ASSERT_TRUE(State(folder_ / ".penstock")
                  .Save(kube::kPipelineRuns, {{"metadata", {{"name", "flights-1"}}}}));
  EXPECT_EQ(complete({"describe", ""}), "flights-1\n:4\n");
}

TEST_F(CliTest, GetComponentsNeedsNoClusterAndNoState) {
  EXPECT_EQ(Penstock({"get", "components"}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("train"), std::string::npos) << out_.str();
  EXPECT_NE(err_.str().find("no cluster"), std::string::npos) << err_.str();
  EXPECT_EQ(Penstock({"get", "components", "train", "-o", "json"}), kOk) << err_.str();
  EXPECT_EQ(Json::parse(out_.str())["spec"]["name"], "train");
  EXPECT_EQ(Penstock({"get", "components", "nothing"}), kFailed);
  // Who asks for a cluster gets none in its place.
  EXPECT_EQ(Penstock({"get", "components", "--cluster"}), kFailed);
  ASSERT_TRUE(State(folder_ / ".penstock").Create());
  EXPECT_EQ(Penstock({"get", "components"}), kOk) << err_.str();
  EXPECT_EQ(err_.str(), "");
}

TEST_F(CliTest, ServeOfWhatCannotBeServedEndsWithACodeAndTheReasonFirst) {
  Write("model/model.yaml", "no: model\n");
  Write("libexec/penstock-serve",
        "#!/bin/sh\necho port 8080, threads 2 >&2\necho not ready: model.yaml: no signature >&2\n"
        "exit 3\n");
  fs::permissions(folder_ / "libexec/penstock-serve", fs::perms::owner_all);
  session_.env["PENSTOCK_LIBEXEC"] = (folder_ / "libexec").string();
  EXPECT_EQ(Penstock({"serve", "model", "--port", "64999"}), kFailed);
  EXPECT_EQ(err_.str(),
            "error: model cannot be served: not ready: model.yaml: no signature (the server ended "
            "with code 3)\n  | port 8080, threads 2\n");
  EXPECT_EQ(out_.str(), "") << "nothing is served";
}

TEST_F(CliTest, ServeSaysThatItServesWhenItIsReadyAndEndsWithTheServer) {
  Write("model/model.yaml", "a: model\n");
  Write("libexec/penstock-serve", R"(#!/usr/bin/env python3
import http.server, signal, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Ready)
signal.signal(signal.SIGTERM, lambda *args: sys.exit(0))
print("ready", file=sys.stderr, flush=True)
server.serve_forever()
)");
  fs::permissions(folder_ / "libexec/penstock-serve", fs::perms::owner_all);
  session_.env["PENSTOCK_LIBEXEC"] = (folder_ / "libexec").string();
  const fs::path noted = folder_ / ".penstock/serve.json";
  std::jthread presser([&](const std::stop_token& stop) {
    while (!fs::exists(noted) && !stop.stop_requested()) std::this_thread::yield();
    first_.request_stop();
  });
  EXPECT_EQ(Penstock({"serve", "model", "--port", std::to_string(FreePort())}), kOk) << err_.str();
  EXPECT_TRUE(out_.str().starts_with("serving model on http://127.0.0.1:")) << out_.str();
  EXPECT_EQ(err_.str(), "ready\n") << "what it said before it was ready";
}

// What kubectl prints of the CRD's columns for typical objects: three spaces between, as wide as
// their widest cell, at least six columns with the gap.
TEST(PrinterColumns, OfARunFitInto80ColumnsWithTheAgeLastAndTheMessageWide) {
  const auto text = ReadFile(fs::path(PENSTOCK_TEST_SOURCE_DIR) / "../../crds" /
                             "pipelineruns.penstock.dev.yaml");
  ASSERT_TRUE(text);
  const Json crd = api::ParseManifests(*text, "crd")->front().object;
  const Json columns = crd["spec"]["versions"][0]["additionalPrinterColumns"];
  const std::map<std::string, std::string> cells = {{"Status", "StepFailed"},
                                                    {"Step", "train: Unschedulable"},
                                                    {"Done", "4"},
                                                    {"Blessed", "False"},
                                                    {"Age", "12m"}};
  std::size_t width = std::string("flights-4be1c0a2d7-1").size() + 3;
  std::string names, wide;
  for (const Json& column : columns) {
    const std::string name = column["name"];
    if (column.value("priority", 0) > 0) {
      wide += name + " ";
      continue;
    }
    names += name + " ";
    ASSERT_TRUE(cells.contains(name)) << name;
    width += std::max(name.size(), cells.at(name).size()) + 3;
  }
  EXPECT_EQ(names, "Status Step Done Blessed Age ");
  EXPECT_EQ(wide, "Total Cached Finished Message Parent Cause ");
  EXPECT_LE(width - 3, 80U);
}

}  // namespace
}  // namespace penstock::cli
