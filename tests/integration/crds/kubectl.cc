#include "tests/integration/crds/kubectl.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace penstock::tests {
namespace {

std::string Quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

Outcome Kubectl(const std::vector<std::string>& args, const std::string& input) {
  const char* program = std::getenv("KUBECTL");
  std::string command = Quoted(program != nullptr ? program : "kubectl");
  for (const auto& a : args) command += " " + Quoted(a);
  std::string file = (std::filesystem::temp_directory_path() / "kubectl-XXXXXX").string();
  const int fd = mkstemp(file.data());
  std::ofstream(file) << input;
  std::FILE* pipe = popen((command + " 2>&1 <" + Quoted(file)).c_str(), "r");
  Outcome outcome;
  std::array<char, 8192> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    outcome.out.append(buffer.data(), n);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  if (fd >= 0) std::fclose(fdopen(fd, "r"));
  std::filesystem::remove(file);
  return outcome;
}

Outcome InstallCrds(const std::string& folder) {
  Outcome applied = Kubectl({"apply", "--server-side", "--force-conflicts", "-f", folder});
  if (applied.exit_code != 0) return applied;
  return Kubectl({"wait", "--for=condition=Established", "--timeout=30s", "-f", folder});
}

}  // namespace penstock::tests
