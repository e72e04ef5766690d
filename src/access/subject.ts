/** Who a request comes from, once its token was checked. */
export interface Subject {
  /** Of a service account. */
  readonly id: string;
}
