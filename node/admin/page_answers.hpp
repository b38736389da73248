#pragma once

#include <string_view>

#include "node/admin/admin_routes.hpp"
#include "node/web/core/http_message.hpp"

/// The operators' page. Its files have no secrets: the page asks for a token where the node does, and sends the token
/// with each question.
namespace tulle::node {

// The files of node/admin/page/, compiled in.
[[nodiscard]] std::string_view page_html();
[[nodiscard]] std::string_view page_css();
[[nodiscard]] std::string_view page_script();
[[nodiscard]] std::string_view page_tables();

/// The answer with a file of the page: kPage, kPageStyle, kPageScript or kPageTables. The browser may load nothing from
/// anywhere but this listener, and nobody may show the page in a frame.
[[nodiscard]] HttpResponse page_answer(AdminPage file);

}  // namespace tulle::node
