#include "operator/azure/account.h"

#include <algorithm>
#include <map>

#include "operator/base/base64.h"
#include "operator/base/try.h"
#include "operator/net/url.h"

namespace penstock::azure {
namespace {

constexpr const char* kConnection = "AZURE_STORAGE_CONNECTION_STRING";

std::string Lookup(const std::map<std::string, std::string>& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? "" : found->second;
}

// "A=b;C=d==": what stands behind the first "=" of each part.
std::map<std::string, std::string> PartsOf(const std::string& text) {
  std::map<std::string, std::string> out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const std::size_t equals = part.find('=');
    if (equals != std::string::npos) out[part.substr(0, equals)] = part.substr(equals + 1);
    begin = end + 1;
  }
  return out;
}

bool IsAccountName(const std::string& name) {
  return name.size() >= 3 && name.size() <= 24 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos;
}

// "name.dfs.core.windows.net" -> https://name.blob.core.windows.net and its name.
Result<Account> AccountOfHost(const std::string& host) {
  const std::size_t dot = host.find('.');
  Account account;
  account.name = host.substr(0, dot);
  std::string rest = dot == std::string::npos ? "" : host.substr(dot);
  if (!IsAccountName(account.name) || !rest.starts_with(".dfs."))
    return Invalid("names no account: abfss://container@account.dfs.core.windows.net/key");
  account.endpoint = "https://" + account.name + ".blob." + rest.substr(5);
  return account;
}

Result<void> TakeKey(const std::string& text, const std::string& variable, Account& account) {
  if (text.empty()) return {};
  const auto key = DecodeBase64(text);
  if (!key || key->empty()) return Invalid(variable + ": its key is no base64");
  account.key = *key;
  return {};
}

std::string WithoutMark(const std::string& sas) {
  return sas.starts_with("?") ? sas.substr(1) : sas;
}

Result<Account> OfConnection(const std::string& text) {
  const auto parts = PartsOf(text);
  Account account;
  account.name = Lookup(parts, "AccountName");
  account.endpoint = Lookup(parts, "BlobEndpoint");
  account.sas = WithoutMark(Lookup(parts, "SharedAccessSignature"));
  PENSTOCK_TRY(TakeKey(Lookup(parts, "AccountKey"), kConnection, account));
  if (account.endpoint.empty()) {
    if (!IsAccountName(account.name))
      return Invalid(std::string(kConnection) + ": has neither AccountName nor BlobEndpoint");
    const std::string suffix = Lookup(parts, "EndpointSuffix");
    const std::string protocol = Lookup(parts, "DefaultEndpointsProtocol");
    account.endpoint = (protocol.empty() ? "https" : protocol) + "://" + account.name + ".blob." +
                       (suffix.empty() ? "core.windows.net" : suffix);
  }
  return account;
}

Result<Account> OfVariables(const fetch::SourceSettings& settings) {
  const auto connection = VariableOf(settings, {kConnection});
  if (!connection.empty()) return OfConnection(connection);
  Account account;
  account.name = VariableOf(settings, {"AZURE_STORAGE_ACCOUNT"});
  account.sas = WithoutMark(VariableOf(settings, {"AZURE_STORAGE_SAS_TOKEN"}));
  PENSTOCK_TRY(TakeKey(VariableOf(settings, {"AZURE_STORAGE_KEY"}), "AZURE_STORAGE_KEY", account));
  if (account.name.empty()) return account;
  if (!IsAccountName(account.name))
    return Invalid("AZURE_STORAGE_ACCOUNT: is no account's name: 3 to 24 of a-z and 0-9");
  account.endpoint = "https://" + account.name + ".blob.core.windows.net";
  return account;
}

Result<void> Check(const Account& account) {
  if (!account.key.empty() && !account.sas.empty())
    return Invalid("the step's env has both a key and a SAS of Azure; give one");
  if (account.name.empty() && !account.key.empty())
    return Invalid("the step's env has a key of Azure and no AZURE_STORAGE_ACCOUNT; give both");
  if (account.endpoint.empty()) {
    return Invalid(
        "no account is named: set AZURE_STORAGE_ACCOUNT, or AZURE_STORAGE_CONNECTION_STRING, in "
        "the step's env, or write abfss://container@account.dfs.core.windows.net/key");
  }
  if (account.sas.find_first_of(" \r\n#") != std::string::npos)
    return Invalid("AZURE_STORAGE_SAS_TOKEN: is no SAS: sv=...&sig=...");
  const auto url = net::ParseUrl(account.endpoint);
  if (!url) return Invalid(std::string(kConnection) + ": BlobEndpoint: " + url.error().message);
  if (url->target.find('?') != std::string::npos)
    return Invalid(std::string(kConnection) + ": BlobEndpoint: has a ?; a SAS stands in " +
                   "SharedAccessSignature");
  return {};
}

}  // namespace

Result<Account> AccountOf(const fetch::SourceSettings& settings, const std::string& host) {
  PENSTOCK_ASSIGN(Account account, OfVariables(settings));
  // As the portal writes it, with a "/" at its end.
  while (account.endpoint.ends_with('/')) account.endpoint.pop_back();
  if (!host.empty()) {
    PENSTOCK_ASSIGN(const Account named, AccountOfHost(host));
    if (account.anonymous()) {
      account = named;
    } else if (account.endpoint.empty()) {
      return Invalid(
          "the step's env has a right of Azure and no AZURE_STORAGE_ACCOUNT that it is of; it is "
          "not sent to whichever account a URI names");
    } else if (account.endpoint != named.endpoint) {
      return Invalid("names the account " + named.name +
                     ", and the right of the step's env is another's: it is not sent there");
    }
  }
  PENSTOCK_TRY(Check(account));
  return account;
}

}  // namespace penstock::azure
