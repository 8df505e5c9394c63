// Kubeconfigs as they are found and what is read from them: testdata/CASE holds the files of
// KUBECONFIG in their order (*.yaml), the environment, and what came of it (config).
// UPDATE_GOLDEN=1 writes what comes of it now.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "operator/base/file.h"
#include "operator/kube/config.h"

namespace penstock::kube {
namespace {

namespace fs = std::filesystem;

const fs::path kCases = fs::path(PENSTOCK_TEST_SOURCE_DIR) / "testdata";

std::string Described(const PemSource& pem) {
  return pem.file.empty() ? "data '" + pem.data + "'" : "file " + pem.file;
}

void Describe(std::ostream& out, const ExecPlugin& plugin) {
  out << "exec: " << plugin.command;
  for (const auto& arg : plugin.args) out << " " << arg;
  out << "\nexec api version: " << plugin.api_version << "\n";
  for (const auto& [name, value] : plugin.env) out << "exec env: " << name << "=" << value << "\n";
  if (!plugin.install_hint.empty()) out << "exec install hint: " << plugin.install_hint << "\n";
  if (!plugin.cluster_info.empty()) out << "exec cluster: " << plugin.cluster_info << "\n";
}

std::string Describe(const Result<ClusterConfig>& config) {
  std::ostringstream out;
  if (!config) {
    out << "error: " << config.error().message << "\n";
    return out.str();
  }
  const auto line = [&](const char* what, const std::string& text) {
    if (!text.empty()) out << what << ": " << text << "\n";
  };
  line("context", config->context);
  line("server", config->server);
  line("namespace", config->namespace_);
  line("tls server name", config->tls_server_name);
  if (config->insecure) out << "insecure\n";
  if (!config->ca.empty()) line("ca", Described(config->ca));
  if (!config->certificate.empty()) line("certificate", Described(config->certificate));
  if (!config->key.empty()) line("key", Described(config->key));
  line("token", config->token.token);
  line("token file", config->token.file);
  line("basic auth", config->basic_auth);
  if (config->token.exec) Describe(out, *config->token.exec);
  for (const auto& [name, value] : config->impersonation) out << name << ": " << value << "\n";
  if (!config->proxy) return out.str();
  line("proxy", config->proxy->url.Origin());
  line("proxy authorization", config->proxy->authorization);
  return out.str();
}

// What LoadConfig says of the case, its folder written as CASE.
std::string Load(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  Surroundings surroundings;
  LoadOptions options;
  for (const auto& file : files) {
    auto& list = surroundings.env["KUBECONFIG"];
    list += (list.empty() ? "" : ":") + file.string();
  }
  std::ifstream environment(folder / "environment");
  for (std::string line; std::getline(environment, line);) {
    const auto equals = line.find('=');
    const std::string name = line.substr(0, equals);
    (name == "context" ? options.context : surroundings.env[name]) = line.substr(equals + 1);
  }
  std::string text = Describe(LoadConfig(options, surroundings));
  for (auto at = text.find(folder.string()); at != std::string::npos;
       at = text.find(folder.string()))
    text.replace(at, folder.string().size(), "CASE");
  return text;
}

class KubeconfigGolden : public testing::TestWithParam<std::string> {};

TEST_P(KubeconfigGolden, IsReadAsKubectlReadsIt) {
  const fs::path folder = kCases / GetParam();
  const std::string now = Load(folder);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFileAtomically(folder / "config", now));
  }
  const auto expected = ReadFile(folder / "config");
  ASSERT_TRUE(expected) << "no config; UPDATE_GOLDEN=1 writes it";
  EXPECT_EQ(now, *expected);
}

std::vector<std::string> Cases() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(kCases))
    out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Cases, KubeconfigGolden, testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace penstock::kube
