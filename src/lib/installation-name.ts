/**
 * The name that a client asks for in the TLS handshake (SNI) to be shown the certificate that the installation made for
 * itself, whatever certificate the operator lets others see. No host has it (RFC 9476 keeps .alt for such names), and no
 * certificate needs it: who asks holds the certificate against the host that he connected to.
 */
export const installationName = 'installation.obraz.alt';
