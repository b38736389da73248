#include "tools/cli/app_urls.hpp"

namespace tulle::cli {

std::vector<std::string> with_scheme(const std::vector<std::string>& urls, std::string_view scheme) {
    std::vector<std::string> out;
    for (const std::string& url : urls) {
        const std::size_t end = url.find("://");
        // A URL without a scheme has an empty `given`, and stays unchanged.
        const std::string given = url.substr(0, end == std::string::npos ? 0 : end);
        if (given == "ws" || given == "http") {
            out.push_back(std::string(scheme) + url.substr(end));
        } else if (given == "wss" || given == "https") {
            out.push_back(std::string(scheme) + "s" + url.substr(end));
        } else {
            out.push_back(url);
        }
    }
    return out;
}

}  // namespace tulle::cli
