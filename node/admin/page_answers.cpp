#include "node/admin/page_answers.hpp"

#include <string>

#include "node/admin/admin_answers.hpp"

namespace tulle::node {

namespace {

struct PageFile {
    std::string_view type;
    std::string_view text;
};

PageFile file_of(AdminPage page) {
    switch (page) {
        case AdminPage::kPageStyle:
            return {"text/css; charset=utf-8", page_css()};
        case AdminPage::kPageScript:
            return {"text/javascript; charset=utf-8", page_script()};
        case AdminPage::kPageTables:
            return {"text/javascript; charset=utf-8", page_tables()};
        default:
            return {"text/html; charset=utf-8", page_html()};
    }
}

}  // namespace

HttpResponse page_answer(AdminPage file) {
    const PageFile content = file_of(file);
    HttpResponse response = admin_answer(200, content.type, std::string(content.text));
    response.headers.emplace_back("Content-Security-Policy",
                                  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                                  "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    return response;
}

}  // namespace tulle::node
