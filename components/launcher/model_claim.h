// Models in a claim that pods share, each under its digest, fetched once. Blocks; any thread.
//
//   <claim>/penstock-models/<hex>/content       a file or folder, read-only
//                                /content.json  {"digest": of content, as artifacts have it}
//                                /lock          held (flock) by the pod that fetches
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "operator/base/result.h"

namespace penstock::launcher {

// kDamaged where what is at `path` has another digest, as artifacts have it.
[[nodiscard]] Result<void> VerifyModel(const std::filesystem::path& path,
                                       const std::string& digest);
// The same where its digest is known.
[[nodiscard]] Result<void> MustBe(const std::string& digest, const std::string& is);

// Writes a copy of a file or folder to `target`, which must not be there, read-only, and gives the
// digest of the copy, as artifacts have it. Nobody who writes the source alters it afterwards.
[[nodiscard]] Result<std::string> CopyModel(const std::filesystem::path& source,
                                            const std::filesystem::path& target);

// Where a claim keeps what `digest` names.
[[nodiscard]] std::filesystem::path KeptInClaim(const std::filesystem::path& claim,
                                                const std::string& digest);

// Has what `digest` names in the claim: what is there is read and verified, else `fetch` writes it
// once, while other pods that want it wait. What is damaged is removed and fetched again.
// `kept` is the digest of the content where it is known; empty: the one that was noted when it was
// fetched counts, which finds damage but nobody who writes both.
[[nodiscard]] Result<void> KeepInClaim(
    const std::filesystem::path& claim, const std::string& digest, const std::string& kept,
    const std::function<Result<void>(const std::filesystem::path& target)>& fetch,
    const std::stop_token& stop);

}  // namespace penstock::launcher
