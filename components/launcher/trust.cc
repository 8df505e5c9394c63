#include "components/launcher/trust.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "operator/base/file.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
namespace {

// Where images keep the authorities that they trust; a static program knows only Debian's place.
constexpr const char* kRoots[] = {"/etc/ssl/certs/ca-certificates.crt",
                                  "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                  "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

// A file of certificates that a variable names.
Result<std::string> ReadRoots(const std::string& variable, const fs::path& path) {
  if (!path.is_absolute())
    return Invalid(variable + " is '" + path.string() +
                   "', which is no absolute path: nothing expands '~' or '$' in a variable of env");
  auto pem = ReadFile(path, 16 << 20);
  if (!pem) return Invalid(variable + ": " + pem.error().message);
  if (pem->find("-----BEGIN ") == std::string::npos)
    return Invalid(variable + ": " + path.string() + " holds no certificate in PEM");
  return pem;
}

// Those of a folder, as OpenSSL's own: names are not looked at, what is no certificate is left out.
Result<std::string> ReadRootsFolder(const fs::path& folder) {
  const std::string variable = "SSL_CERT_DIR";
  if (!folder.is_absolute()) return ReadRoots(variable, folder);
  std::string all;
  std::set<fs::path> seen;  // c_rehash makes links beside the files
  std::error_code ec;
  fs::directory_iterator it(folder, ec);
  if (ec) return Invalid(FromErrno(variable + ": " + folder.string(), ec.value()).message);
  for (const fs::directory_iterator end; !ec && it != end; it.increment(ec)) {
    std::error_code ignored;
    const fs::path file = fs::canonical(it->path(), ignored);
    if (ignored || !fs::is_regular_file(file, ignored) || !seen.insert(file).second) continue;
    if (const auto pem = ReadRoots(variable, file)) all += *pem + "\n";
  }
  return all;
}

}  // namespace

Result<std::string> LoadRoots(const TrustPaths& trust) {
  std::string all;
  if (!trust.file.empty()) {
    auto pem = ReadRoots("SSL_CERT_FILE", trust.file);
    if (!pem) return pem;
    all = *std::move(pem);
  }
  for (const char* place : kRoots) {
    if (!all.empty()) break;
    if (auto pem = ReadRoots("", place)) all = *std::move(pem);
  }
  for (std::size_t at = 0; at < trust.folders.size();) {
    const std::size_t end = std::min(trust.folders.find(':', at), trust.folders.size());
    auto pems = ReadRootsFolder(trust.folders.substr(at, end - at));
    if (!pems) return pems;
    all += "\n" + *pems;
    at = end + 1;
  }
  return all;
}

}  // namespace penstock::launcher
