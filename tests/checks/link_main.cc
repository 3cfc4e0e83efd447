// Linked with one whole library: what matters is that it links.
int main() { return 0; }
