#include "components/git/credentials.h"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/os/fd.h"

namespace penstock::git {
namespace {

namespace fs = std::filesystem;

// GitHub's name for whoever comes with a token; others take any.
constexpr const char* kTokenUser = "x-access-token";

std::string Escaped(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

// As the shell that git runs it with reads it.
std::string Quoted(const fs::path& path) {
  std::string out = "'";
  for (const char c : path.string()) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

Result<void> WriteSecretly(const fs::path& path, std::string text) {
  if (!text.ends_with('\n')) text += '\n';  // ssh takes no key without
  const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return FromErrno("writing " + path.string(), errno);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = write(file.get(), text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FromErrno("writing " + path.string(), errno);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

// A Secret made of a file has the end of its line.
std::string WithoutLineEnd(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

Error Lacks(const Credentials& c, const std::string& what) {
  return Invalid("secretRef: the Secret '" + c.secret + "' " + what);
}

Result<void> AddPassword(const Credentials& c, const std::string& url, const fs::path& folder,
                         Login& login) {
  const std::string& password = c.token.empty() ? c.password : c.token;
  if (password.empty()) {
    if (!c.authority.empty() && c.username.empty()) return {};  // a public one of a private server
    return Lacks(c, "has neither token nor password, which an https:// URL needs");
  }
  const std::string user = c.username.empty() ? kTokenUser : c.username;
  // git asks the store by protocol and host: wherever it is sent on to, others get nothing.
  const fs::path file = folder / "credentials";
  PENSTOCK_TRY(WriteSecretly(
      file, "https://" + Escaped(user) + ":" + Escaped(password) + "@" + GitHostOf(url)));
  login.config.emplace_back("credential.helper=");  // nobody else's
  login.config.push_back("credential.helper=store --file=" + Quoted(file));
  return {};
}

Result<void> AddKey(const Credentials& c, const fs::path& folder, Login& login) {
  if (c.ssh_key.empty()) return Lacks(c, "has no ssh-privatekey, which an ssh URL needs");
  if (c.known_hosts.empty()) {
    return Lacks(c, "has no known_hosts, by which the server is known (ssh-keyscan HOST)");
  }
  const fs::path key = folder / "ssh-privatekey", hosts = folder / "known_hosts";
  PENSTOCK_TRY(WriteSecretly(key, c.ssh_key));
  PENSTOCK_TRY(WriteSecretly(hosts, c.known_hosts));
  login.environment.push_back(
      "GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes"
      " -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -i " +
      Quoted(key) + " -o UserKnownHostsFile=" + Quoted(hosts));
  return {};
}

}  // namespace

Credentials ReadCredentials(const std::function<std::string(const char* name)>& variable) {
  return {.secret = variable("PENSTOCK_GIT_SECRET"),
          .username = WithoutLineEnd(variable("PENSTOCK_GIT_USERNAME")),
          .password = WithoutLineEnd(variable("PENSTOCK_GIT_PASSWORD")),
          .token = WithoutLineEnd(variable("PENSTOCK_GIT_TOKEN")),
          .ssh_key = variable("PENSTOCK_GIT_SSH_PRIVATEKEY"),
          .known_hosts = variable("PENSTOCK_GIT_KNOWN_HOSTS"),
          .authority = variable("PENSTOCK_GIT_CA_CRT")};
}

Result<Login> WriteLogin(const Credentials& c, const std::string& url, const fs::path& folder) {
  Login login;
  if (c.secret.empty()) return login;
  const bool any = !c.token.empty() || !c.password.empty() || !c.username.empty() ||
                   !c.ssh_key.empty() || !c.authority.empty();
  if (!any) {
    return Lacks(c,
                 "is not there, or holds none of token, username, password, ssh-privatekey and "
                 "ca.crt");
  }
  const auto transport = GitTransportOf(url);
  if (!c.authority.empty()) {
    const fs::path file = folder / "ca.crt";
    PENSTOCK_TRY(WriteSecretly(file, c.authority));
    login.environment.push_back("GIT_SSL_CAINFO=" + file.string());
  }
  if (transport == GitTransport::kHttps) PENSTOCK_TRY(AddPassword(c, url, folder, login));
  if (transport == GitTransport::kSsh) PENSTOCK_TRY(AddKey(c, folder, login));
  return login;
}

}  // namespace penstock::git
