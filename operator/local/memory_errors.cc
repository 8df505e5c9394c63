#include "operator/local/memory_errors.h"

#include "operator/base/json.h"

namespace penstock::local {
namespace {

Error Make(ErrorKind kind, std::string message) {
  Error e;
  e.kind = kind;
  e.message = std::move(message);
  return e;
}

// `pods "web"`, `pipelines.penstock.dev "flights"`.
std::string Naming(const kube::ResourceType& type, const std::string& name) {
  std::string out(type.plural);
  if (!type.group.empty()) out += "." + std::string(type.group);
  return out + " \"" + name + "\"";
}

}  // namespace

Error NotFoundError(const kube::ResourceType& type, const std::string& name) {
  return Make(ErrorKind::kNotFound, Naming(type, name) + " not found");
}

Error AlreadyExistsError(const kube::ResourceType& type, const std::string& name) {
  return Make(ErrorKind::kAlreadyExists, Naming(type, name) + " already exists");
}

Error ConflictError(const kube::ResourceType& type, const std::string& name,
                    const std::string& why) {
  return Make(ErrorKind::kConflict,
              "operation cannot be fulfilled on " + Naming(type, name) + ": " + why);
}

Error UnprocessableError(const kube::ResourceType& type, const std::string& name,
                         const std::string& why) {
  return Make(ErrorKind::kInvalid, std::string(type.kind) + " \"" + name + "\" is invalid: " + why);
}

Error BadRequest(const std::string& why) { return Make(ErrorKind::kInvalid, why); }

Error ExpiredError(const std::string& why) { return Make(ErrorKind::kExpired, why); }

Result<void> CheckPreconditions(const kube::ResourceType& type, const Json& stored,
                                const Json& next) {
  const Json& now = stored["metadata"];
  const Json& then = next["metadata"];
  const std::string version = then.value("resourceVersion", "");
  if (!version.empty() && version != now.value("resourceVersion", "")) {
    return ConflictError(type, now.value("name", ""),
                         "the object has been modified; please apply your changes to the latest "
                         "version and try again");
  }
  const std::string uid = then.value("uid", "");
  if (!uid.empty() && uid != now.value("uid", "")) {
    return ConflictError(type, now.value("name", ""),
                         "Precondition failed: UID in precondition: " + uid +
                             ", UID in object meta: " + now.value("uid", ""));
  }
  return {};
}

std::string FieldText(const FieldPath& path) {
  std::string out;
  for (const auto& segment : path) {
    if (segment.front() == 'f') {
      out += (out.empty() ? "" : ".") + segment.substr(2);
    } else {
      out += "[" + segment.substr(2) + "]";
    }
  }
  return out;
}

}  // namespace penstock::local
