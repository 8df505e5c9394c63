// The gateway's own certificates: an authority and a server certificate, made, kept and renewed
// without a restart and without cert-manager.
//
//   <folder>/ca.pem      key and certificate of the authority; after a change of authority also the
//                        one before it and a cross certificate, so that pods that trust only the
//                        old one go on trusting the server
//   <folder>/server.pem  key and certificate of the server
//
//   <folder>/lock        held by who makes or replaces one of them
//
// Both are EC P-256 and mode 0600. The authority lives 10 years, the server's certificate 90 days;
// each is replaced at 2/3 of its life, by whoever asks for Current() then: of several processes on
// one folder by the first, and the others take what it has made. Thread-safe.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/net/tls.h"

namespace penstock::gateway {

inline constexpr std::chrono::hours kAuthorityLife{24 * 3650};
inline constexpr std::chrono::hours kServerLife{24 * 90};

struct CertificateOptions {
  std::filesystem::path folder;
  std::vector<std::string> dns_names;  // at least one name or address
  std::vector<std::string> addresses;
};

class Certificates {
 public:
  // Reads what is there and makes what is missing, for other names, or due. Invalid names a file
  // that cannot be read: remove it to have a new one made. `clock` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Certificates>> Open(CertificateOptions options,
                                                                  const Clock& clock);
  ~Certificates();

  // What the server shows; renewed first when due. When renewing fails, the old one as long as it
  // is valid. For net::HttpServerOptions::tls.
  [[nodiscard]] Result<std::shared_ptr<const net::TlsIdentity>> Current();
  // What clients are to trust: the authority and, while it is valid, the one before.
  [[nodiscard]] std::string CaPem() const;

 private:
  struct State;
  explicit Certificates(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::gateway
