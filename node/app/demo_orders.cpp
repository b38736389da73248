#include "node/app/demo_orders.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "node/app/demo_page.hpp"

namespace tulle::node {

DemoContent demo_content(const Config& config) {
    DemoContent demo;
    if (config.demo) {
        demo.page = std::string(demo_page());
        if (config.has_default_app) {
            demo.app_key = config.apps.front().key;
            demo.app_secret = config.apps.front().secret;
            // Whoever may give orders can end nodes, so they are for loopback alone, without a proxy before it.
            if (config.demo_orders >= 0 && config.listen.is_loopback() && config.trusted_proxies.empty()) {
                demo.order = demo_orders_to(config.demo_orders);
            }
        }
    }
    return demo;
}

std::function<bool(DemoOrder, std::string_view)> demo_orders_to(int descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || !S_ISFIFO(status.st_mode)) {
        throw std::runtime_error("--demo-orders: descriptor " + std::to_string(descriptor) + " is no pipe");
    }
    return [descriptor](DemoOrder order, std::string_view node) {
        std::string line = order == DemoOrder::kKill ? "kill " : "start ";
        line.append(node).append("\n");
        return ::write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    };
}

}  // namespace tulle::node
