// The text of a model.sig: a sigstore bundle with a DSSE envelope, in which an in-toto statement
// names each file of a model by its SHA-256 (OpenSSF Model Signing 1.0). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/signing/ec_key.h"

namespace penstock::signing {

// What was signed. A path is relative to the model, with "/" between its parts.
struct Statement {
  std::string name;                          // of the model, for people
  std::map<std::string, std::string> files;  // path -> 64 hexadecimal digits
  std::vector<std::string> ignored;          // paths of files and folders that it leaves out
};

// The bundle as one line of JSON.
[[nodiscard]] Result<std::string> WriteBundle(const Statement& statement, const EcKey& key);

// Reads one that `key` has signed. kUntrusted: it is none, is damaged, or was signed by another
// key, with a message that says which; kUnsupported: it was, in a form that is not read here (other
// hashes than SHA-256, shards).
[[nodiscard]] Result<Statement> ReadBundle(std::string_view text, const EcKey& key);

}  // namespace penstock::signing
