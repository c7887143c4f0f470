// Answers each event with the architecture and the event: Lambda's runtime API by hand, so that the
// example takes no library. A program of yours has aws-lambda-cpp for this.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#ifdef __aarch64__
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "x86_64"
#endif

static const std::string PATH = "/2018-06-01/runtime/invocation/";

// Sends one request of HTTP/1.0, and returns the whole answer.
static std::string ask(const std::string &request, const std::string &body) {
    const std::string api = std::getenv("AWS_LAMBDA_RUNTIME_API");
    const auto colon = api.find(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = inet_addr(api.substr(0, colon).c_str());
    address.sin_port = htons(std::stoi(api.substr(colon + 1)));
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0)
        throw std::runtime_error("no runtime API at " + api);
    const std::string sent = request + " HTTP/1.0\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body;
    for (size_t done = 0; done < sent.size();)
        done += write(connection, sent.data() + done, sent.size() - done);
    std::string answer;
    char part[4096];
    for (ssize_t size; (size = read(connection, part, sizeof part)) > 0;)
        answer.append(part, size);
    close(connection);
    return answer;
}

int main() {
    const std::string name = "Lambda-Runtime-Aws-Request-Id: ";
    for (;;) {
        const std::string next = ask("GET " + PATH + "next", "");
        const auto id = next.find(name) + name.size();
        const auto event = next.substr(next.find("\r\n\r\n") + 4);
        const auto answer = "{\"architecture\":\"" ARCHITECTURE "\",\"event\":" + event + "}";
        ask("POST " + PATH + next.substr(id, next.find('\r', id) - id) + "/response", answer);
    }
}
