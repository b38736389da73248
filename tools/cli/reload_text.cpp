#include "tools/cli/reload_text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "tools/cli/json_fields.hpp"
#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

/// The object in `answer`; an empty object for any other text.
boost::json::object object_in(std::string_view answer) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse({answer.data(), answer.size()}, error);
    return !error && value.is_object() ? value.get_object() : boost::json::object();
}

}  // namespace

std::string reload_text(std::string_view answer) {
    const boost::json::object object = object_in(answer);
    const std::string waits = text_field(object, "after_restart");
    return "the configuration has been read again, apps: " + std::to_string(count_field(object, "apps")) + "\n" +
           (waits.empty() ? "" : "these settings have changed and hold only after a restart: " + waits + "\n");
}

std::string reload_failure_text(std::string_view answer) {
    // An answer with apps: the configuration has been read, and the error is that of the certificates.
    return object_in(answer).contains("apps") ? error_in(answer)
                                              : "the configuration stays as it was: " + error_in(answer);
}

std::string error_in(std::string_view answer) {
    const std::string text = text_field(object_in(answer), "error");
    return text.empty() ? printable(answer) : text;
}

}  // namespace tulle::cli
