#include "operator/gateway/login/client_certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <vector>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/login/person_name.h"

namespace penstock::gateway::login {
namespace {

Error NoPerson(const std::string& why) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = "the client's certificate " + why;
  return e;
}

// All values of a field of the subject, in its order; UTF-8.
std::vector<std::string> SubjectOf(const CertPtr& certificate, int nid) {
  std::vector<std::string> values;
  const X509_NAME* const subject = X509_get_subject_name(certificate.get());
  for (int at = X509_NAME_get_index_by_NID(subject, nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, nid, at)) {
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size >= 0)
      values.emplace_back(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

Result<void> CheckName(const std::string& name, const char* what, Signer signer) {
  if (const std::string why = WhyNoName(name); !why.empty())
    return NoPerson(std::string("names the ") + what + " '" + plan::Shown(name, 80) + "', which " +
                    why);
  if (signer == Signer::kOther && IsSystem(name))
    return NoPerson(std::string("names the ") + what + " '" + plan::Shown(name, 80) +
                    "': what begins with system: is Kubernetes' own, and only the cluster's "
                    "authority may name it");
  return {};
}

}  // namespace

Result<Person> PersonOfCertificate(const std::string& der, TimePoint now, Signer signer) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const CertPtr certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())), X509_free);
  ERR_clear_error();
  if (!certificate) return NoPerson("cannot be read");
  if (now < ValidFrom(certificate) || now >= ValidUntil(certificate))
    return NoPerson("is not valid at this time");
  const auto names = SubjectOf(certificate, NID_commonName);
  Person person{names.empty() ? "" : names.front(), SubjectOf(certificate, NID_organizationName)};
  if (person.user.empty()) return NoPerson("has no common name, which would be the user");
  PENSTOCK_TRY(CheckName(person.user, "user", signer));
  for (const std::string& group : person.groups) PENSTOCK_TRY(CheckName(group, "group", signer));
  return person;
}

void TlsWithClients::Trust(std::string authorities) {
  const std::lock_guard lock(mutex_);
  if (authorities == authorities_) return;
  authorities_ = std::move(authorities);
  shown_ = nullptr;
}

Result<std::shared_ptr<const net::TlsIdentity>> TlsWithClients::Current() {
  auto server = server_();
  if (!server) return server;
  const std::lock_guard lock(mutex_);
  if (shown_ && below_ == *server) return shown_;
  below_ = *server;
  auto shown = std::make_shared<net::TlsIdentity>(**server);
  shown->client_ca_pem = authorities_;
  shown_ = std::move(shown);
  return shown_;
}

Result<void> CheckAuthorities(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  int read = 0;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509_free(one);
    ++read;
  }
  // The end of the text is an error of its own.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (read == 0) return Invalid("holds no certificate");
  if (!at_end) return Invalid("holds a certificate that cannot be read");
  return {};
}

}  // namespace penstock::gateway::login
