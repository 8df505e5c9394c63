// Which authorities a fetch trusts: those that variables name, else the image's own.
#pragma once

#include <filesystem>
#include <string>

#include "operator/base/result.h"

namespace penstock::launcher {

// As the step's variables say it; both empty: the image's own.
struct TrustPaths {
  std::string file;     // SSL_CERT_FILE, in the place of the image's own
  std::string folders;  // SSL_CERT_DIR, beside those: "a:b"
};

// What is trusted, in PEM; "": nothing is known. Invalid for a variable that names what is none.
[[nodiscard]] Result<std::string> LoadRoots(const TrustPaths& trust);

}  // namespace penstock::launcher
