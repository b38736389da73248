#pragma once

#include <string>
#include <string_view>

namespace tulle::cli {

/// What `tulle reload` prints of a node's answer after a reload.
[[nodiscard]] std::string reload_text(std::string_view answer);
/// What `tulle reload` prints of a node's answer when the node, or only its certificates, stay as they were.
[[nodiscard]] std::string reload_failure_text(std::string_view answer);
/// The reason in an answer of an admin listener that refuses, made printable; the whole answer, made printable, when it
/// has another form.
[[nodiscard]] std::string error_in(std::string_view answer);

}  // namespace tulle::cli
