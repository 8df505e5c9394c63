// usage: predict URL MODEL '{"column": [values], ...}'     (-lcpprest -lssl -lcrypto -lpthread)
#include <cpprest/http_client.h>

#include <iostream>
using web::json::value;
const char* TypeOf(const value& column) {  // by its first value that is no null
  for (const value& v : column.as_array())
    if (!v.is_null()) return v.is_string() ? "BYTES" : v.is_boolean() ? "BOOL" : "FP64";
  return "BYTES";
}
int main(int, char** argv) {
  const value columns = value::parse(argv[3]);
  std::vector<value> inputs;
  for (const auto& [name, data] : columns.as_object()) {
    inputs.push_back(value::object({{"name", value(name)}, {"datatype", value(TypeOf(data))}}));
    inputs.back()["shape"] = value::array({value(std::uint64_t(data.size()))});
    inputs.back()["data"] = data;
  }
  const value request = value::object({{"inputs", value::array(inputs)}});
  web::http::client::http_client client(std::string(argv[1]) + "/v2/models/" + argv[2]);
  const auto response = client.request("POST", "/infer", request).get();
  std::cout << response.extract_json().get().serialize() << "\n";
  return response.status_code() == 200 ? 0 : 1;
}
