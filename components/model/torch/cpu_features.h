// Does this CPU have the instructions that an AOTInductor package was compiled for?
#pragma once

#include <set>
#include <string>

namespace penstock::model {

// The flags of the first CPU in text like /proc/cpuinfo ("flags", on ARM "Features").
[[nodiscard]] std::set<std::string> ParseCpuFlags(const std::string& cpuinfo);
// Of this machine; empty when it does not say.
[[nodiscard]] std::set<std::string> CpuFlags();

// What `isa`, as PyTorch writes it ("AVX512 AVX512_VNNI", "AVX2", "ASIMD"), needs and `flags`
// lacks: the first such flag, or nothing.
[[nodiscard]] std::string MissingCpuFlag(const std::string& isa,
                                         const std::set<std::string>& flags);

}  // namespace penstock::model
