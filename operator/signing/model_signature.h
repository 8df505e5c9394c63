// Signs a model's folder, and holds a folder against its signature. Reads every byte of it.
// Blocks; any thread.
//
// Signed are all regular files but the signature itself and, at the top of the folder, .git,
// .gitattributes, .github and .gitignore.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/signing/ec_key.h"

namespace penstock::signing {

inline constexpr const char* kSignatureFile = "model.sig";  // at the top of the model's folder
inline constexpr std::uint64_t kMostSignatureBytes = 8U << 20;

// The text of the signature. Invalid where the folder holds no file, or a link.
[[nodiscard]] Result<std::string> SignModel(const std::filesystem::path& folder, const EcKey& key);

// How the folder differs from what `signature` (a file) says that `key` has signed: "weights.bin is
// altered", one for each file that is altered, not signed or absent, in the order of their names;
// or one that says why nothing in the folder is signed by it. Empty: it is as it was signed. An
// error: files could not be read, and nothing is known of it. `*left_out`, where it is given, gets
// the files whose bytes nobody has signed and that are no finding, as the form or the signer leaves
// them out: any bytes may stand in them.
[[nodiscard]] Result<std::vector<std::string>> CheckModel(
    const std::filesystem::path& folder, const std::filesystem::path& signature, const EcKey& key,
    std::vector<std::string>* left_out = nullptr);

// Removes those files from `folder`, then all folders in it that hold none, and leaves the rest
// read-only.
[[nodiscard]] Result<void> RemoveLeftOut(const std::filesystem::path& folder,
                                         const std::vector<std::string>& left_out);

// The findings as one text, of which the first ten are told.
[[nodiscard]] std::string Told(const std::vector<std::string>& findings);

}  // namespace penstock::signing
