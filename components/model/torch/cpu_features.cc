#include "components/model/torch/cpu_features.h"

#include <fstream>
#include <map>
#include <sstream>
#include <vector>

namespace penstock::model {

std::set<std::string> ParseCpuFlags(const std::string& cpuinfo) {
  std::istringstream lines(cpuinfo);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    std::set<std::string> flags;
    for (std::string word; words >> word;) flags.insert(word);
    return flags;
  }
  return {};
}

std::set<std::string> CpuFlags() {
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return ParseCpuFlags(text.str());
}

std::string MissingCpuFlag(const std::string& isa, const std::set<std::string>& flags) {
  // What PyTorch's compiler is given for each (torch/_inductor/cpu_vec_isa.py).
  static const std::map<std::string, std::vector<std::string>> kNeeds = {
      {"AVX2", {"avx2", "fma", "f16c"}},
      {"AVX512", {"avx512f", "avx512dq", "avx512vl", "avx512bw", "fma"}},
      {"AVX512_VNNI", {"avx512_vnni"}},
      {"AMX_TILE", {"amx_tile", "amx_bf16", "amx_int8"}},
      {"ASIMD", {"asimd"}},
      {"NEON", {"asimd"}},
      {"INVALID_VEC_ISA", {}}};
  std::istringstream words(isa);
  for (std::string word; words >> word;) {
    const auto known = kNeeds.find(word);
    if (known == kNeeds.end()) return word;
    for (const std::string& flag : known->second) {
      if (!flags.contains(flag)) return flag;
    }
  }
  return "";
}

}  // namespace penstock::model
